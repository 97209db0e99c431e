// SPDX-License-Identifier: Apache-2.0
// Threading: no state.
#ifndef GUIDEWAY_BASE_ROUND_UP_H_
#define GUIDEWAY_BASE_ROUND_UP_H_

#include <cstddef>

namespace guideway::base {

/// The least multiple of `unit` that holds `bytes`.
constexpr std::size_t round_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

}  // namespace guideway::base

#endif  // GUIDEWAY_BASE_ROUND_UP_H_
