// SPDX-License-Identifier: Apache-2.0
// A test program's own network and mount namespaces: links, mounts, pins and files in /mnt vanish
// with the program, however it ends. Threading: before any thread is started.
#ifndef GUIDEWAY_TESTS_BPF_OWN_NAMESPACES_H_
#define GUIDEWAY_TESTS_BPF_OWN_NAMESPACES_H_

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <sched.h>
#include <sys/mount.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "guideway/base/file_descriptor.h"

namespace guideway::test {

/// What is written below it is nobody else's.
inline const std::string kOwnFolder = "/mnt";

inline bool enter_own_namespaces() {
  const bool entered = unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 &&
                       mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                       mount("own", kOwnFolder.c_str(), "tmpfs", 0, "mode=0755") == 0;
  if (!entered) std::perror("cannot make namespaces; run as root");
  return entered;
}

/// True if the shell command succeeds.
inline bool shell(const std::string& command) { return std::system(command.c_str()) == 0; }

/// A veth pair, up.
inline bool add_veth(const std::string& name, const std::string& peer) {
  return shell("ip link add " + name + " type veth peer name " + peer + " && ip link set " + name +
               " up && ip link set " + peer + " up");
}

/// A program that passes everything, as somebody else would attach it.
inline base::FileDescriptor foreign_program(const char* name) {
  const bpf_insn code[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K,
       .dst_reg = BPF_REG_0,
       .src_reg = 0,
       .off = 0,
       .imm = XDP_PASS},
      {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  return base::FileDescriptor(
      bpf_prog_load(BPF_PROG_TYPE_XDP, name, "Dual BSD/GPL", code, 2, nullptr));
}

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_BPF_OWN_NAMESPACES_H_
