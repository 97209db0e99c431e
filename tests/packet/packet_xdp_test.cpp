// SPDX-License-Identifier: Apache-2.0
// All packet cases through the loaded XDP program.
#include <gtest/gtest.h>

#include <cstdio>
#include <utility>

#include "tests/packet/all_cases.h"
#include "tests/packet/xdp_driver.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  auto world = guideway::test::XdpWorld::load(guideway::test::XdpDriver::kSize);
  if (!world) {
    std::fprintf(stderr, "%s\n", world.error().message.c_str());
    return 1;
  }
  guideway::test::XdpDriver program(std::move(*world));
  if (!guideway::test::register_all_cases(program, "xdp")) return 1;
  return RUN_ALL_TESTS();
}
