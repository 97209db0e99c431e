// SPDX-License-Identifier: Apache-2.0
// Privileges: what guidewayd needs to start, and the little that it keeps.
// Threading: before other threads that should be bound by it start, or it holds for the caller
// only.
#ifndef GUIDEWAY_APP_PRIVILEGES_H_
#define GUIDEWAY_APP_PRIVILEGES_H_

#include "guideway/base/result.h"

namespace guideway::app {

/// Errors unless this process may configure the network (CAP_NET_ADMIN).
Result<void> require_privileges();

/// Drops every capability of the calling thread but CAP_NET_ADMIN (addresses, neighbours) and
/// CAP_NET_RAW (announcements), and forbids new ones.
Result<void> drop_privileges();

}  // namespace guideway::app

#endif  // GUIDEWAY_APP_PRIVILEGES_H_
