// SPDX-License-Identifier: Apache-2.0
#include "signals.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <csignal>

namespace guideway::app {
namespace {

void mask_signals(int how) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGHUP, SIGTERM, SIGINT}) sigaddset(&signals, signal);
  pthread_sigmask(how, &signals, nullptr);
}

}  // namespace

void hold_signals() {
  mask_signals(SIG_BLOCK);
  std::signal(SIGPIPE, SIG_IGN);
}

void let_signals_through() { mask_signals(SIG_UNBLOCK); }

Signals::Signals(boost::asio::io_context& loop, std::function<void()> reload)
    : loop_(loop), reload_(std::move(reload)), signals_(loop, SIGHUP, SIGTERM, SIGINT) {
  wait();
  let_signals_through();
}

void Signals::wait() {
  signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error) return;
    if (signal != SIGHUP) {
      spdlog::info("stopping: signal {}", signal);
      loop_.stop();
      return;
    }
    spdlog::info("SIGHUP: reading the configuration again");
    reload_();
    wait();
  });
}

}  // namespace guideway::app
