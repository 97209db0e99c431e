// SPDX-License-Identifier: Apache-2.0
#ifndef GUIDEWAY_TESTS_SUPPORT_EVENTUALLY_H_
#define GUIDEWAY_TESTS_SUPPORT_EVENTUALLY_H_

#include <chrono>
#include <functional>
#include <thread>

namespace guideway::test {

/// Whether the condition came true within ten seconds.
inline bool eventually(const std::function<bool()>& condition) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_SUPPORT_EVENTUALLY_H_
