// SPDX-License-Identifier: Apache-2.0
// All packet cases through the bare core, one packet at a time and as a burst.
#include <gtest/gtest.h>

#include "tests/packet/all_cases.h"
#include "tests/packet/core_driver.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  guideway::test::CoreDriver one_by_one(guideway::test::CorePath::kOneByOne);
  guideway::test::CoreDriver burst(guideway::test::CorePath::kBurst);
  if (!guideway::test::register_all_cases(one_by_one, "core")) return 1;
  if (!guideway::test::register_all_cases(burst, "core_burst")) return 1;
  return RUN_ALL_TESTS();
}
