// SPDX-License-Identifier: Apache-2.0
#include "netns.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <thread>

namespace guideway::netlink::test {
namespace {

/// Runs `f` on a thread of its own, so that what it does to its namespace ends with it.
void on_thread(const std::function<void()>& f) {
  std::exception_ptr thrown;
  std::thread thread([&] {
    try {
      f();
    } catch (...) {
      thrown = std::current_exception();
    }
  });
  thread.join();
  if (thrown) std::rethrow_exception(thrown);
}

void check(bool ok, const std::string& what) {
  if (!ok) throw std::runtime_error(what + ": " + std::strerror(errno));
}

std::string run_shell(const std::string& command) {
  std::string printed;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  check(pipe != nullptr, "cannot start a shell");
  std::array<char, 4096> buffer{};
  while (const std::size_t size = fread(buffer.data(), 1, buffer.size(), pipe)) {
    printed.append(buffer.data(), size);
  }
  if (pclose(pipe) != 0) throw std::runtime_error("`" + command + "` failed: " + printed);
  return printed;
}

}  // namespace

Netns::Netns() {
  on_thread([this] {
    check(unshare(CLONE_NEWNET) == 0,
          "cannot make a network namespace; run this test as root, or skip it by name");
    fd_ = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    check(fd_ >= 0, "cannot open the new network namespace");
    run_shell("ip link set lo up");
  });
}

Netns::~Netns() {
  if (fd_ >= 0) close(fd_);
}

std::string Netns::path() const {
  return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(fd_);
}

void Netns::run(const std::function<void()>& f) const {
  on_thread([&] {
    check(setns(fd_, CLONE_NEWNET) == 0, "cannot enter the network namespace");
    f();
  });
}

void Netns::sh(const std::string& command) const { output(command); }

std::string Netns::output(const std::string& command) const {
  std::string printed;
  run([&] { printed = run_shell(command); });
  return printed;
}

}  // namespace guideway::netlink::test
