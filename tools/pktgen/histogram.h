// SPDX-License-Identifier: Apache-2.0
// Histogram: how often each value came, to 1.6 % of it, in 30 KB whatever the values.
// Threading: one thread.
// Source: the log-linear buckets of HdrHistogram (Tene).
#ifndef GUIDEWAY_TOOLS_PKTGEN_HISTOGRAM_H_
#define GUIDEWAY_TOOLS_PKTGEN_HISTOGRAM_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace guideway::pktgen {

class Histogram {
 public:
  void add(std::uint64_t value);

  std::uint64_t count() const { return count_; }
  /// 0 without values; so are the others.
  std::uint64_t least() const { return count_ == 0 ? 0 : least_; }
  std::uint64_t most() const { return most_; }
  double mean() const;
  /// The least value, to 1.6 %, that `share` (0 to 1) of the values do not exceed.
  std::uint64_t quantile(double share) const;

 private:
  /// Values below are exact; above, each power of two has half as many buckets.
  static constexpr unsigned kExactBits = 7;
  static constexpr std::size_t kExact = std::size_t{1} << kExactBits;
  static constexpr std::size_t kBuckets = kExact + (64 - kExactBits) * (kExact / 2);

  static std::size_t bucket_of(std::uint64_t value);
  static std::uint64_t largest_in(std::size_t bucket);

  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t least_ = 0;
  std::uint64_t most_ = 0;
  double sum_ = 0;
};

}  // namespace guideway::pktgen

#endif  // GUIDEWAY_TOOLS_PKTGEN_HISTOGRAM_H_
