// SPDX-License-Identifier: Apache-2.0
// The XDP program passes the kernel's verifier, with tables of real sizes, with and without workers
// beside it; and a program that cannot be loaded says why.
#include <bpf/bpf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <string>

#include "guideway/datapath/xdp/balancer_object.h"

namespace guideway::datapath::xdp {
namespace {

struct Variant {
  std::uint32_t shards;
  bool hand_over;
  std::uint32_t nat_planes = 0;
};

class Verifier : public testing::TestWithParam<Variant> {};

gw_limits limits_of(Variant variant) {
  gw_limits limits = limits_for({.services = 1024,
                                 .pools = 256,
                                 .slots = 1 << 20,
                                 .backends = 4096,
                                 .shape = {variant.shards, 1024},
                                 .nat_planes = variant.nat_planes});
  limits.hand_over = variant.hand_over ? 1 : 0;
  return limits;
}

TEST_P(Verifier, AcceptsTheBalancer) {
  const auto object = BalancerObject::load("test", limits_of(GetParam()), {});
  ASSERT_TRUE(object) << object.error().message;
  bpf_prog_info info{};
  std::uint32_t length = sizeof info;
  ASSERT_EQ(bpf_obj_get_info_by_fd(object->program_fd(), &info, &length), 0);
  std::printf("balancer, %u shards%s%s: %u instructions, %u walked by the verifier\n",
              GetParam().shards, GetParam().hand_over ? ", hand-over" : "",
              GetParam().nat_planes != 0 ? ", nat" : "", info.xlated_prog_len / 8,
              info.verified_insns);
  RecordProperty("verified_instructions", std::to_string(info.verified_insns));
  EXPECT_GT(info.xlated_prog_len / 8, 1000U) << "most of the core was removed as dead code";
  EXPECT_LT(info.verified_insns, 800'000U) << "too near to the kernel's limit of one million";
}

INSTANTIATE_TEST_SUITE_P(Variants, Verifier,
                         testing::Values(Variant{1, false}, Variant{2, false}, Variant{16, false},
                                         Variant{64, false}, Variant{1, true}, Variant{64, true},
                                         Variant{1, false, 1}, Variant{64, true, 2}));

TEST(BalancerObject, AMapThatDoesNotFitIsNamed) {
  // A control map where the flow table should be.
  const auto first = BalancerObject::load("test", limits_of({1, false}), {});
  ASSERT_TRUE(first) << first.error().message;
  const auto second = BalancerObject::load("test", limits_of({1, false}),
                                           {{"no_such_map", first->map_fd("gw_pools")}});
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, testing::HasSubstr("no_such_map"));
}

TEST(BalancerObject, ARefusalQuotesTheVerifier) {
  const auto first = BalancerObject::load("test", limits_of({1, false}), {});
  ASSERT_TRUE(first) << first.error().message;
  // The verifier knows how long a value is: 128 bytes where buckets of 64 are wanted are too few
  // for nothing, but states where backends are wanted have the wrong size.
  const auto second = BalancerObject::load("test", limits_of({1, false}),
                                           {{"gw_backends", first->map_fd("gw_pools")}});
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, testing::HasSubstr("cannot be loaded"));
  EXPECT_THAT(second.error().message,
              testing::AllOf(testing::HasSubstr("the last lines of libbpf and the verifier:\n"),
                             testing::HasSubstr("invalid access to map value, value_size=16")));
}

}  // namespace
}  // namespace guideway::datapath::xdp
