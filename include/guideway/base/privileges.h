// SPDX-License-Identifier: Apache-2.0
// Privileges: what guidewayd needs to start, and the little that each of its threads keeps.
// Threading: Linux keeps capabilities per thread; the calls are about the calling thread, and
// threads that it starts later inherit from it.
// Source: capabilities(7).
#ifndef GUIDEWAY_BASE_PRIVILEGES_H_
#define GUIDEWAY_BASE_PRIVILEGES_H_

#include "guideway/base/result.h"

namespace guideway::base {

/// Errors unless this thread may configure the network (CAP_NET_ADMIN).
Result<void> require_network_privileges();

enum class Keep {
  kNothing,
  kNetwork,  // CAP_NET_ADMIN (addresses, neighbours) and CAP_NET_RAW (announcements, ping)
};

/// Drops every other capability of this thread, and forbids new ones.
Result<void> drop_privileges(Keep keep);

}  // namespace guideway::base

#endif  // GUIDEWAY_BASE_PRIVILEGES_H_
