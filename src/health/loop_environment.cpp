// SPDX-License-Identifier: Apache-2.0
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include "guideway/health/loop_environment.h"

#include <boost/asio/steady_timer.hpp>

namespace guideway::health {
namespace {

/// The part that handlers on their way may still find.
struct Alarm : std::enable_shared_from_this<Alarm> {
  explicit Alarm(boost::asio::io_context& loop) : timer(loop) {}

  void call_at(Environment::Time when, std::function<void()> what) {
    call = std::move(what);
    timer.expires_at(when);
    timer.async_wait(
        [weak = weak_from_this(), mine = ++calls](const boost::system::error_code& error) {
          const auto self = weak.lock();
          if (!error && self && self->calls == mine) std::exchange(self->call, nullptr)();
        });
  }
  void cancel() {
    ++calls;
    call = nullptr;
    timer.cancel();
  }

  boost::asio::steady_timer timer;
  std::function<void()> call;
  /// A handler that has been queued already can be overtaken; its number tells.
  std::uint64_t calls = 0;
};

class LoopTimer : public Environment::Timer {
 public:
  explicit LoopTimer(boost::asio::io_context& loop) : alarm_(std::make_shared<Alarm>(loop)) {}
  ~LoopTimer() override { alarm_->cancel(); }
  LoopTimer(const LoopTimer&) = delete;
  LoopTimer& operator=(const LoopTimer&) = delete;

  void call_at(Environment::Time when, std::function<void()> call) override {
    alarm_->call_at(when, std::move(call));
  }
  void cancel() override { alarm_->cancel(); }

 private:
  std::shared_ptr<Alarm> alarm_;
};

}  // namespace

std::unique_ptr<Environment::Timer> LoopEnvironment::make_timer() {
  return std::make_unique<LoopTimer>(loop_);
}

}  // namespace guideway::health
