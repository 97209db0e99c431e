// SPDX-License-Identifier: Apache-2.0
#include "guideway/health/verdicts_text.h"

#include <gtest/gtest.h>

#include <string>

namespace guideway::health {
namespace {

using std::chrono::seconds;
using std::chrono::system_clock;

model::BackendKey key(const std::string& pool, const std::string& address) {
  return {pool, IpAddress::parse(address).value(), 6400};
}

Verdicts some() {
  Verdict dead{
      .state = State::kUnhealthy, .reason = Reason::kStatusMismatch, .detail = "status 503"};
  dead.since = system_clock::time_point(seconds(1'700'000'000));
  Verdict alive{.state = State::kHealthy};
  alive.last_error = Reason::kTimeout;
  alive.last_error_detail = "no answer in time";
  alive.last_error_at = system_clock::time_point(seconds(1'600'000'000));
  alive.since = system_clock::time_point(seconds(1'700'000'001));
  return {{key("web", "10.0.0.1"), dead}, {key("web", "2001:db8::1"), alive}};
}

TEST(VerdictsText, ComesBack) {
  Verdicts all = some();
  all.emplace(key("web", "10.0.0.9"), Verdict{});  // undecided: not worth keeping
  const auto back = verdicts_of(to_text(all));
  ASSERT_TRUE(back) << back.error().message;
  ASSERT_EQ(back->size(), 2U);
  const Verdict& dead = back->at(key("web", "10.0.0.1"));
  EXPECT_EQ(dead.state, State::kUnhealthy);
  EXPECT_EQ(dead.reason, Reason::kStatusMismatch);
  EXPECT_EQ(dead.detail, "status 503");
  EXPECT_EQ(dead.since, system_clock::time_point(seconds(1'700'000'000)));
  EXPECT_EQ(dead.last_error, Reason::kNone);
  const Verdict& alive = back->at(key("web", "2001:db8::1"));
  EXPECT_TRUE(alive.good());
  EXPECT_EQ(alive.last_error, Reason::kTimeout);
  EXPECT_EQ(alive.last_error_detail, "no answer in time");
  EXPECT_EQ(alive.last_error_at, system_clock::time_point(seconds(1'600'000'000)));
}

TEST(VerdictsText, AnythingElseIsRefused) {
  const std::string good = to_text(some());
  for (std::size_t length = 0; length < good.size(); ++length)
    EXPECT_FALSE(verdicts_of(good.substr(0, length))) << length;
  for (const char* bad : {"", "{}", "[1]", "[{}]", "null", "\"x\"", "[[[[[[[["})
    EXPECT_FALSE(verdicts_of(bad)) << bad;
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  EXPECT_FALSE(verdicts_of(with("10.0.0.1", "10.0.0.256")));
  EXPECT_FALSE(verdicts_of(with("6400", "64000000")));
  EXPECT_FALSE(verdicts_of(with("6400", "-1")));
  EXPECT_FALSE(verdicts_of(with("6400", "\"80\"")));
  EXPECT_FALSE(verdicts_of(with("unhealthy", "initial")));
  EXPECT_FALSE(verdicts_of(with("status_mismatch", "bad mood")));
  EXPECT_FALSE(verdicts_of(with("1700000000", "99999999999999999")));
  EXPECT_FALSE(verdicts_of(with("1600000000", "99999999999999999")));
  EXPECT_FALSE(verdicts_of(with("\"timeout\"", "\"\""))) << "an error without a reason";
  EXPECT_FALSE(verdicts_of(with("\"last_error\":{", "\"last_error\":5,\"x\":{")));
}

}  // namespace
}  // namespace guideway::health
