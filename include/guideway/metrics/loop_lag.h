// SPDX-License-Identifier: Apache-2.0
// LoopLag: how late the event loop is. A timer that is due every 10 ms says so: a step that keeps
// the loop for longer than that is always seen.
// Threading: the event loop's.
#ifndef GUIDEWAY_METRICS_LOOP_LAG_H_
#define GUIDEWAY_METRICS_LOOP_LAG_H_

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>

namespace guideway::metrics {

/// Upper bounds in seconds; the last bucket, without one, is not among them.
inline constexpr std::array<double, 9> kLagBounds_s = {0.001, 0.002, 0.005, 0.01, 0.02,
                                                       0.05,  0.1,   0.5,   1.0};

struct Lag {
  /// How often the loop was at most so late, later than the bound before. The last: beyond all.
  std::array<std::uint64_t, kLagBounds_s.size() + 1> counts{};
  double sum_s = 0;

  void add(std::chrono::nanoseconds late);
  std::uint64_t count() const;
};

class LoopLag {
 public:
  static constexpr std::chrono::milliseconds kPeriod{10};

  /// Measures from now on.
  explicit LoopLag(boost::asio::io_context& loop);
  const Lag& lag() const { return lag_; }

 private:
  void wait();

  boost::asio::steady_timer timer_;
  Lag lag_;
};

}  // namespace guideway::metrics

#endif  // GUIDEWAY_METRICS_LOOP_LAG_H_
