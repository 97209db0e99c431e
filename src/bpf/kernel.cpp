// SPDX-License-Identifier: Apache-2.0
#include "guideway/bpf/kernel.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

#include "guideway/base/text.h"

namespace guideway::bpf {

Result<void> check_kernel(std::string_view release, const OldestKernel& oldest) {
  std::pair<unsigned, unsigned> version;
  const std::string text(release);
  if (std::sscanf(text.c_str(), "%u.%u", &version.first, &version.second) != 2)
    return {};  // not ours to judge
  if (version >= std::pair(oldest.major, oldest.minor)) return {};
  return base::fail("kernel " + base::escape_untrusted(release) +
                    " is too old: " + std::string(oldest.why));
}

Result<void> check_running_kernel(const OldestKernel& oldest) {
  utsname facts{};
  if (uname(&facts) != 0) return base::fail_errno("cannot read the kernel's version", errno);
  return check_kernel(facts.release, oldest);
}

bool has_type_information() { return access("/sys/kernel/btf/vmlinux", F_OK) == 0; }

std::string advice(const std::string& program, int error_number, bool has_type_information) {
  if (error_number == EPERM) return no_permission().value().message;
  if (error_number == ENOMEM)
    return "there is no memory for the maps of " + program + ": lower the [capacity]";
  if (error_number == ENOSYS) return "this kernel is built without BPF";
  utsname facts{};
  const std::string release = uname(&facts) == 0 ? facts.release : "?";
  if (!has_type_information)
    return program + " cannot be loaded: kernel " + release +
           " has no type information (BTF); take one that is built with CONFIG_DEBUG_INFO_BTF=y, "
           "as those of distributions are";
  return program + " cannot be loaded on kernel " + release + ": " + std::strerror(error_number);
}

bool is_of_native_mode(int error_number) {
  return error_number != EPERM && error_number != EBUSY && error_number != EEXIST &&
         error_number != ENODEV;
}

std::string native_refusal(int error_number) {
  if (error_number == EOPNOTSUPP) return "has no native XDP";
  if (error_number == ENOMEM)
    return "has no room for native XDP: no memory, or no spare transmit queue for each CPU (fewer "
           "queues may help: ethtool -L)";
  return std::string("refuses native XDP: ") + std::strerror(error_number);
}

tl::unexpected<Error> no_permission() {
  return base::fail(
      "no permission to load BPF programs: run as root, or with CAP_BPF, CAP_NET_ADMIN and "
      "CAP_PERFMON");
}

}  // namespace guideway::bpf
