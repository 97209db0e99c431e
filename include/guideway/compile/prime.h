// SPDX-License-Identifier: Apache-2.0
// Is a number prime? A slot table's size must be, so that every step visits every slot.
// Threading: no state.
#ifndef GUIDEWAY_COMPILE_PRIME_H_
#define GUIDEWAY_COMPILE_PRIME_H_

#include <cstdint>

namespace guideway::compile {

/// Cost: at most sqrt(number) / 2 divisions.
bool is_prime(std::uint32_t number);

}  // namespace guideway::compile

#endif  // GUIDEWAY_COMPILE_PRIME_H_
