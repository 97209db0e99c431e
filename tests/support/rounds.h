// SPDX-License-Identifier: Apache-2.0
// Random tests in two sizes: a newcomer waits for the short one, tools/test --long takes the other.
#ifndef GUIDEWAY_TESTS_SUPPORT_ROUNDS_H_
#define GUIDEWAY_TESTS_SUPPORT_ROUNDS_H_

#include <cstdlib>

namespace guideway::test {

/// `many` if the environment has GUIDEWAY_LONG, as with tools/test --long, else `few`.
inline int rounds(int few, int many) {
  return std::getenv("GUIDEWAY_LONG") != nullptr ? many : few;
}

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_SUPPORT_ROUNDS_H_
