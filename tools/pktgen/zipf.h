// SPDX-License-Identifier: Apache-2.0
// Zipf: ranks 0 to count - 1, rank r as often as 1 / (r + 1)^exponent says. No table: a rank costs
// a few logarithms, however many there are. Threading: one thread. Source: Hörmann and Derflinger,
// Rejection-Inversion to Generate Variates from Monotone Discrete Distributions, ACM TOMACS 6 (3),
// 1996.
#ifndef GUIDEWAY_TOOLS_PKTGEN_ZIPF_H_
#define GUIDEWAY_TOOLS_PKTGEN_ZIPF_H_

#include <cstdint>

namespace guideway::pktgen {

class Zipf {
 public:
  /// REQUIRES: count > 0; exponent > 0.
  Zipf(std::uint32_t count, double exponent, std::uint64_t seed);

  std::uint32_t next();

 private:
  double integral(double x) const;
  double inverse(double y) const;
  double height(double x) const;
  double uniform();

  double count_;
  double exponent_;
  std::uint64_t state_;
  double first_;  // integral(1.5) - 1
  double last_;   // integral(count + 0.5)
  double sure_;   // what is within so much of its rank is taken without another look
};

}  // namespace guideway::pktgen

#endif  // GUIDEWAY_TOOLS_PKTGEN_ZIPF_H_
