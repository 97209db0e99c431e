// SPDX-License-Identifier: Apache-2.0
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include "guideway/metrics/loop_lag.h"

#include <algorithm>
#include <numeric>

namespace guideway::metrics {

using std::chrono::steady_clock;

void Lag::add(std::chrono::nanoseconds late) {
  const double late_s = std::chrono::duration<double>(late).count();
  const auto bound = std::lower_bound(kLagBounds_s.begin(), kLagBounds_s.end(), late_s);
  counts[static_cast<std::size_t>(bound - kLagBounds_s.begin())]++;
  sum_s += late_s;
}

std::uint64_t Lag::count() const {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

LoopLag::LoopLag(boost::asio::io_context& loop) : timer_(loop) { wait(); }

void LoopLag::wait() {
  timer_.expires_after(kPeriod);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    lag_.add(std::max(steady_clock::now() - timer_.expiry(), steady_clock::duration::zero()));
    wait();
  });
}

}  // namespace guideway::metrics
