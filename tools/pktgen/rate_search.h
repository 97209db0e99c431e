// SPDX-License-Identifier: Apache-2.0
// RateSearch: the highest rate at which a trial is good, by halving what is left.
// Threading: a value.
// Source: RFC 2544 §26.1 (throughput).
#ifndef GUIDEWAY_TOOLS_PKTGEN_RATE_SEARCH_H_
#define GUIDEWAY_TOOLS_PKTGEN_RATE_SEARCH_H_

#include <algorithm>
#include <cstdint>
#include <optional>

namespace guideway::pktgen {

class RateSearch {
 public:
  /// Ends when the rate is known to a hundredth of `most_pps`. REQUIRES: most_pps > 0.
  explicit RateSearch(std::uint64_t most_pps) : bad_(most_pps), most_(most_pps) {}

  /// The rate to try next; none: the search is over.
  std::optional<std::uint64_t> next() const {
    if (!is_tried_) return most_;
    if (good_ == most_ || bad_ - good_ <= std::max<std::uint64_t>(most_ / 100, 1))
      return std::nullopt;
    return good_ + (bad_ - good_) / 2;
  }

  /// How the trial at next() went.
  void tell(bool good) {
    const std::uint64_t rate = next().value_or(good_);
    is_tried_ = true;
    (good ? good_ : bad_) = rate;
  }

  /// 0: none was good.
  std::uint64_t best() const { return good_; }

 private:
  std::uint64_t good_ = 0;
  std::uint64_t bad_;
  std::uint64_t most_;
  bool is_tried_ = false;
};

}  // namespace guideway::pktgen

#endif  // GUIDEWAY_TOOLS_PKTGEN_RATE_SEARCH_H_
