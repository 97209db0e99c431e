// SPDX-License-Identifier: Apache-2.0
// require(): an invariant of a fuzz target. Unlike assert() it is never compiled out.
// Threading: no state.
#ifndef GUIDEWAY_TESTS_FUZZ_REQUIRE_H_
#define GUIDEWAY_TESTS_FUZZ_REQUIRE_H_

#include <cstdio>
#include <cstdlib>

namespace guideway::test {

/// Ends the program, which the fuzzer records, when `holds` is false.
inline void require(bool holds, const char* invariant) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", invariant);
  std::abort();
}

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_FUZZ_REQUIRE_H_
