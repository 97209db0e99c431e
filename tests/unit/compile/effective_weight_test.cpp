// SPDX-License-Identifier: Apache-2.0
// All pairs of what can be said of a backend: which rule wins.
#include "guideway/compile/effective_weight.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <set>
#include <string>

namespace guideway::compile {
namespace {

/// One thing that can be so, on top of a healthy backend of weight 100 in a normal pool.
struct Circumstance {
  const char* name;
  std::function<void(WeightFactors&)> apply;
};

const std::array<Circumstance, 14> kCircumstances = {{
    {"disabled", [](auto& f) { f.state = model::AdminState::kDisabled; }},
    {"drain", [](auto& f) { f.state = model::AdminState::kDrain; }},
    {"weight 0", [](auto& f) { f.configured = 0; }},
    {"unreachable", [](auto& f) { f.reachable = false; }},
    {"fallback", [](auto& f) { f.mode = PoolMode::kFallback; }},
    {"forced up", [](auto& f) { f.forced = model::Forced::kUp; }},
    {"forced down", [](auto& f) { f.forced = model::Forced::kDown; }},
    {"unchecked", [](auto& f) { f.standing = Standing::kUnchecked; }},
    {"presumed", [](auto& f) { f.standing = Standing::kPresumed; }},
    {"waiting", [](auto& f) { f.standing = Standing::kWaiting; }},
    {"unhealthy", [](auto& f) { f.standing = Standing::kUnhealthy; }},
    {"fail open", [](auto& f) { f.mode = PoolMode::kFailOpen; }},
    {"hold", [](auto& f) { f.mode = PoolMode::kHold; }},
    {"kept", [](auto& f) { f.kept = true; }},
}};

// Rows and columns as above. What decides: D disabled, R drain, 0 weight 0, N not reachable, B
// fallback, U forced up, u forced down, c unchecked, p presumed, h healthy, w waiting, x unhealthy,
// o fail open, l hold, s spared; . the two exclude each other. The diagonal: alone.
const std::array<const char*, 14> kWinner = {
    "D.DDDDDDDDDDDD",  // disabled
    ".RRRRRRRRRRRRR",  // drain
    "DR000000000000",  // weight 0
    "DR0NNNNNNNNNNN",  // unreachable
    "DR0NBBBBBBB..B",  // fallback
    "DR0NBU.UUUUUUU",  // forced up
    "DR0NB.uuuuuous",  // forced down
    "DR0NBUuc...ccc",  // unchecked
    "DR0NBUu.p..ppp",  // presumed
    "DR0NBUu..w.ows",  // waiting
    "DR0NBUu...xoxs",  // unhealthy
    "DR0N.UocpooH.H",  // fail open
    "DR0N.Uucpwx.HH",  // hold
    "DR0NBUscpssHHH",  // kept
};

char letter_of(WeightRule rule) {
  switch (rule) {
    case WeightRule::kDisabled:
      return 'D';
    case WeightRule::kDrain:
      return 'R';
    case WeightRule::kZeroWeight:
      return '0';
    case WeightRule::kUnreachable:
      return 'N';
    case WeightRule::kFallback:
      return 'B';
    case WeightRule::kForcedUp:
      return 'U';
    case WeightRule::kForcedDown:
      return 'u';
    case WeightRule::kUnchecked:
      return 'c';
    case WeightRule::kPresumed:
      return 'p';
    case WeightRule::kHealthy:
      return 'H';
    case WeightRule::kWaiting:
      return 'w';
    case WeightRule::kUnhealthy:
      return 'x';
    case WeightRule::kFailOpen:
      return 'o';
    case WeightRule::kHeld:
      return 'l';
    case WeightRule::kSpared:
      return 's';
  }
  return '?';
}

bool gets_flows(char letter) { return std::string("UcpHols").find(letter) != std::string::npos; }

TEST(EffectiveWeight, AllPairs) {
  for (std::size_t a = 0; a < kCircumstances.size(); ++a) {
    for (std::size_t b = 0; b < kCircumstances.size(); ++b) {
      const char expected = kWinner[a][b];
      EXPECT_EQ(expected, kWinner[b][a]) << "the table is symmetric";
      if (expected == '.') continue;
      WeightFactors factors{.standing = Standing::kHealthy};
      kCircumstances[a].apply(factors);
      kCircumstances[b].apply(factors);
      const EffectiveWeight weight = effective_weight(factors);
      EXPECT_EQ(letter_of(weight.rule), expected)
          << kCircumstances[a].name << " and " << kCircumstances[b].name;
      EXPECT_EQ(weight.weight, gets_flows(expected) ? 100U : 0U)
          << kCircumstances[a].name << " and " << kCircumstances[b].name;
    }
  }
}

TEST(EffectiveWeight, AHeldBackendIsOfTheLastGoodSet) {
  WeightFactors factors{.standing = Standing::kUnhealthy, .mode = PoolMode::kHold, .kept = true};
  EXPECT_EQ(effective_weight(factors).rule, WeightRule::kHeld);
  EXPECT_EQ(effective_weight(factors).weight, 100U);
  factors.kept = false;
  EXPECT_EQ(effective_weight(factors).weight, 0U);
}

TEST(EffectiveWeight, EachRuleHasItsOwnName) {
  std::set<std::string> names;
  for (int i = 0; i <= static_cast<int>(WeightRule::kUnhealthy); ++i)
    EXPECT_TRUE(names.insert(to_string(static_cast<WeightRule>(i))).second);
  EXPECT_EQ(names.count(""), 0U);
}

}  // namespace
}  // namespace guideway::compile
