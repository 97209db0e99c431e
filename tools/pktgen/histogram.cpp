// SPDX-License-Identifier: Apache-2.0
#include "histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace guideway::pktgen {

std::size_t Histogram::bucket_of(std::uint64_t value) {
  if (value < kExact) return static_cast<std::size_t>(value);
  const auto shift = static_cast<unsigned>(std::bit_width(value)) - kExactBits;
  const auto place = static_cast<std::size_t>(value >> shift) - kExact / 2;
  return kExact + (shift - 1) * (kExact / 2) + place;
}

std::uint64_t Histogram::largest_in(std::size_t bucket) {
  if (bucket < kExact) return bucket;
  const std::size_t shift = (bucket - kExact) / (kExact / 2) + 1;
  const std::uint64_t place = (bucket - kExact) % (kExact / 2) + kExact / 2;
  return (place << shift) + ((std::uint64_t{1} << shift) - 1);
}

void Histogram::add(std::uint64_t value) {
  buckets_[bucket_of(value)]++;
  least_ = count_ == 0 ? value : std::min(least_, value);
  most_ = std::max(most_, value);
  sum_ += static_cast<double>(value);
  count_++;
}

double Histogram::mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

std::uint64_t Histogram::quantile(double share) const {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < kBuckets; bucket++) {
    seen += buckets_[bucket];
    if (seen >= std::max<std::uint64_t>(wanted, 1)) return std::min(largest_in(bucket), most_);
  }
  return most_;
}

}  // namespace guideway::pktgen
