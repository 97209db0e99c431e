// SPDX-License-Identifier: Apache-2.0
#include "zipf.h"

#include <algorithm>
#include <cmath>

#include "bytes.h"

namespace guideway::pktgen {
namespace {

/// log(1 + x) / x, also near 0.
double log_part(double x) { return std::abs(x) > 1e-8 ? std::log1p(x) / x : 1 - x / 2 + x * x / 3; }

/// (e^x - 1) / x, also near 0.
double exp_part(double x) { return std::abs(x) > 1e-8 ? std::expm1(x) / x : 1 + x / 2 + x * x / 6; }

}  // namespace

Zipf::Zipf(std::uint32_t count, double exponent, std::uint64_t seed)
    : count_(count),
      exponent_(exponent),
      state_(mix(seed)),
      first_(integral(1.5) - 1),
      last_(integral(count_ + 0.5)),
      sure_(2 - inverse(integral(2.5) - height(2))) {}

/// Of height(); continuous where the exponent is 1.
double Zipf::integral(double x) const {
  const double log_x = std::log(x);
  return exp_part((1 - exponent_) * log_x) * log_x;
}

double Zipf::inverse(double y) const {
  const double t = std::max(y * (1 - exponent_), -1.0);
  return std::exp(log_part(t) * y);
}

double Zipf::height(double x) const { return std::exp(-exponent_ * std::log(x)); }

double Zipf::uniform() {
  state_ += 0x9e3779b97f4a7c15u;
  return static_cast<double>(mix(state_) >> 11) * 0x1p-53;
}

std::uint32_t Zipf::next() {
  for (;;) {
    const double y = last_ + uniform() * (first_ - last_);
    const double x = inverse(y);
    const double rank = std::clamp(std::floor(x + 0.5), 1.0, count_);
    if (rank - x <= sure_ || y >= integral(rank + 0.5) - height(rank))
      return static_cast<std::uint32_t>(rank) - 1;
  }
}

}  // namespace guideway::pktgen
