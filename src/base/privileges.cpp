// SPDX-License-Identifier: Apache-2.0
#include "guideway/base/privileges.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

namespace guideway::base {
namespace {

using Sets = std::array<__user_cap_data_struct, 2>;

// libcap would do, but these two calls are all that is needed of it.
Result<Sets> read_sets() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  Sets sets{};
  if (syscall(SYS_capget, &header, sets.data()) != 0) return fail_errno("capget", errno);
  return sets;
}

}  // namespace

Result<void> require_network_privileges() {
  auto sets = read_sets();
  if (!sets) return tl::unexpected(sets.error());
  if (((*sets)[0].effective & (1U << CAP_NET_ADMIN)) == 0)
    return fail(
        "guidewayd may not configure the network: run it as root, or with CAP_NET_ADMIN, "
        "CAP_NET_RAW and CAP_IPC_LOCK, and for kernel interfaces also CAP_BPF, CAP_PERFMON and "
        "CAP_SYS_ADMIN");
  return {};
}

Result<void> drop_privileges(Keep keep) {
  auto sets = read_sets();
  if (!sets) return tl::unexpected(sets.error());
  const std::uint32_t kept = keep == Keep::kNetwork ? 1U << CAP_NET_ADMIN | 1U << CAP_NET_RAW : 0;
  (*sets)[0].effective &= kept;
  (*sets)[0].permitted &= kept;
  (*sets)[0].inheritable = 0;
  (*sets)[1] = {};
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno("PR_SET_NO_NEW_PRIVS", errno);
  if (syscall(SYS_capset, &header, sets->data()) != 0) return fail_errno("capset", errno);
  return {};
}

}  // namespace guideway::base
