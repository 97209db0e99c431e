// SPDX-License-Identifier: Apache-2.0
// Signals: SIGHUP reloads, SIGTERM and SIGINT end the event loop, SIGPIPE is nothing. They are held
// from main's first line on, so that one that comes while guidewayd starts is not lost, and does
// not end it halfway, with addresses or devices left behind. Threading: the main thread. Threads
// that are started while signals are held hold them too.
#ifndef GUIDEWAY_APP_SIGNALS_H_
#define GUIDEWAY_APP_SIGNALS_H_

#include <utility>
// Asio of Boost 1.74 needs <utility> before it.
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <functional>

namespace guideway::app {

/// Holds SIGHUP, SIGTERM and SIGINT back, and ignores SIGPIPE for good.
void hold_signals();
/// Lets them through, with what has come meanwhile.
void let_signals_through();

class Signals {
 public:
  /// Lets the held signals through; they act when the loop runs.
  Signals(boost::asio::io_context& loop, std::function<void()> reload);

 private:
  void wait();

  boost::asio::io_context& loop_;
  std::function<void()> reload_;
  boost::asio::signal_set signals_;
};

}  // namespace guideway::app

#endif  // GUIDEWAY_APP_SIGNALS_H_
