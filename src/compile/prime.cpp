// SPDX-License-Identifier: Apache-2.0
#include "guideway/compile/prime.h"

namespace guideway::compile {

bool is_prime(std::uint32_t number) {
  if (number < 4) return number >= 2;
  if (number % 2 == 0) return false;
  for (std::uint64_t divisor = 3; divisor * divisor <= number; divisor += 2) {
    if (number % divisor == 0) return false;
  }
  return true;
}

}  // namespace guideway::compile
