// SPDX-License-Identifier: Apache-2.0
// All packet cases through a DPDK worker.
#include <gtest/gtest.h>

#include "tests/packet/all_cases.h"
#include "tests/packet/dpdk_driver.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  guideway::test::DpdkDriver worker;
  if (!guideway::test::register_all_cases(worker, "dpdk")) return 1;
  return RUN_ALL_TESTS();
}
