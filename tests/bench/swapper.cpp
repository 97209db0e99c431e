// SPDX-License-Identifier: Apache-2.0
#include "swapper.h"

#include <chrono>
#include <utility>

#include "cycles.h"

namespace guideway::bench {

Swapper::Swapper(Generations& generations, unsigned per_s, unsigned cpu, Publish publish)
    : generations_(generations), per_s_(per_s), cpu_(cpu), publish_(std::move(publish)) {}

void Swapper::start() {
  is_over_ = false;
  thread_ = std::thread([this] {
    pin_to_cpu(cpu_);
    run();
  });
}

void Swapper::stop() {
  is_over_ = true;
  thread_.join();
}

void Swapper::run() {
  using Time = std::chrono::steady_clock;
  const auto period = std::chrono::nanoseconds(1'000'000'000 / per_s_);
  const auto start = Time::now();
  auto due = start;
  while (!is_over_) {
    auto& members = generations_.pool().backends;
    model::Backend& changed = members[swaps_ % members.size()];
    changed.weight = changed.weight == 100 ? 50 : 100;
    const auto published = generations_.next().and_then(publish_);
    if (!published) {
      problem_ = published.error().message;
      return;
    }
    swaps_++;
    due += period;
    std::this_thread::sleep_until(due);
  }
  seconds_ += std::chrono::duration<double>(Time::now() - start).count();
}

Result<double> Swapper::swaps_per_s() const {
  if (problem_) return base::fail(*problem_);
  if (seconds_ == 0) return 0.0;
  const double found = static_cast<double>(swaps_) / seconds_;
  if (found < 0.9 * per_s_)
    return base::fail("only " + std::to_string(found) +
                      " swaps a second were made: the machine is too busy");
  return found;
}

}  // namespace guideway::bench
