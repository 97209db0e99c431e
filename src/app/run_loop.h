// SPDX-License-Identifier: Apache-2.0
// The event loop's run, from which no exception gets out: unwinding would take VIPs, programs and
// flow tables off that `on_stop = "keep"` and a crash leave.
// Threading: the thread that calls it becomes the control thread.
#ifndef GUIDEWAY_APP_RUN_LOOP_H_
#define GUIDEWAY_APP_RUN_LOOP_H_

#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include <boost/asio/io_context.hpp>

namespace guideway::app {

/// Until the loop is stopped. An exception is our own fault: it is logged, and the process aborts,
/// which leaves to the next start what `kill -9` leaves.
void run_loop(boost::asio::io_context& loop) noexcept;

}  // namespace guideway::app

#endif  // GUIDEWAY_APP_RUN_LOOP_H_
