// SPDX-License-Identifier: Apache-2.0
// ServiceManager: tells systemd how we are: ready, reloading, stopping, alive. Without systemd,
// that is without NOTIFY_SOCKET in the environment, it does nothing. (libsystemd would be a library
// for one datagram.) Threading: the control thread. Source: sd_notify(3), sd_watchdog_enabled(3).
#ifndef GUIDEWAY_APP_SERVICE_MANAGER_H_
#define GUIDEWAY_APP_SERVICE_MANAGER_H_

#include <utility>
// Asio of Boost 1.74 needs <utility> before it.
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <string>

#include "guideway/base/file_descriptor.h"

namespace guideway::app {

class ServiceManager {
 public:
  /// Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment.
  explicit ServiceManager(boost::asio::io_context& loop);

  /// Packets are forwarded, or a reload has ended; `status` is for people. The first call starts
  /// the watchdog's heartbeat, on the loop: a loop that hangs is noticed.
  void ready(const std::string& status);
  void reloading();
  void stopping();

 private:
  void send(const std::string& message);
  void beat();

  std::string socket_path_;
  base::FileDescriptor socket_;
  /// 0: nobody listens for it.
  std::chrono::microseconds watchdog_{0};
  boost::asio::steady_timer watchdog_timer_;
};

}  // namespace guideway::app

#endif  // GUIDEWAY_APP_SERVICE_MANAGER_H_
