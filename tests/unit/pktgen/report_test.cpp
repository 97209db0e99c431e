// SPDX-License-Identifier: Apache-2.0
#include "report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "small_run.h"

namespace guideway::pktgen::test {
namespace {

using Json = nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Takes `count` packets, one a flow, each second one for backend 2.
void take_packets(SmallRun& run, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; i++) {
    run.sink().take(forwarded(run.sent(i, 0), static_cast<std::uint8_t>(i % 2 + 1)));
  }
}

TEST(Report, IsGoodWhenAllIs) {
  SmallRun run;
  take_packets(run, 10);
  EXPECT_THAT(problems({.sent = 10}, run.counts(), 0), IsEmpty());
}

TEST(Report, LossIsAFailureBeyondWhatIsAllowed) {
  SmallRun run;
  take_packets(run, 9);
  const Report report{.sent = 10};
  EXPECT_EQ(lost(report, run.counts()), 1u);
  EXPECT_THAT(problems(report, run.counts(), 0), ElementsAre(HasSubstr("1 of 10 packets")));
  EXPECT_THAT(problems(report, run.counts(), 0.1), IsEmpty());
}

TEST(Report, NothingSentIsAFailure) {
  EXPECT_THAT(problems({}, SmallRun().counts(), 1), ElementsAre(HasSubstr("no packet was sent")));
}

TEST(Report, AMovedFlowADuplicateAndDamageAreFailures) {
  SmallRun run;
  take_packets(run, 2);
  run.sink().take(forwarded(run.sent(0, 1), 2));
  EXPECT_THAT(problems({.sent = 3}, run.counts(), 1), ElementsAre(HasSubstr("1 flows changed")));
  run.sink().take(forwarded(run.sent(1, 0), 2));
  Bytes damaged = forwarded(run.sent(1, 1), 2);
  damaged[kEthernetLength + 10] ^= 1;
  run.sink().take(damaged);
  EXPECT_THAT(problems({.sent = 4}, run.counts(), 1),
              ElementsAre(HasSubstr("1 flows changed"), HasSubstr("ip_checksum 1"),
                          HasSubstr("1 packets came twice")));
}

TEST(Report, JsonSaysWhatTheTextSays) {
  SmallRun run;
  take_packets(run, 9);
  const Report report{.seed = 7, .flows = 1000, .seconds = 2, .sent = 10, .bytes_sent = 600};
  const Json json = Json::parse(as_json(report, run.sink(), 0.5));
  EXPECT_TRUE(json["good"]);
  EXPECT_EQ(json["sent"], 10);
  EXPECT_EQ(json["sent_pps"], 5.0);
  EXPECT_EQ(json["received"], 9);
  EXPECT_EQ(json["lost"], 1);
  EXPECT_EQ(json["loss"], 0.1);
  EXPECT_EQ(json["flows_moved"], 0);
  EXPECT_EQ(json["faults"]["ttl"], 0);
  EXPECT_EQ(json["backends"].size(), 2u);
  EXPECT_EQ(json["backends"][0]["backend"], "02:00:00:00:01:01");
  EXPECT_EQ(json["backends"][0]["forwarding"], "l2dsr");
  EXPECT_EQ(json["backends"][0]["flows"], 5);
  EXPECT_EQ(json["spread"]["fewest"], 4);
  EXPECT_EQ(json["spread"]["most"], 5);
  EXPECT_FALSE(Json::parse(as_json(report, run.sink(), 0))["good"]);

  const std::string text = as_text(report, run.sink(), 0);
  EXPECT_THAT(text, HasSubstr("10 packets in 2.000 s, 5 per second"));
  EXPECT_THAT(text, HasSubstr("02:00:00:00:01:02"));
  EXPECT_THAT(text, HasSubstr("FAILED"));
}

TEST(Spread, IsTheLargestDistanceFromTheMean) {
  std::vector<BackendTotals> backends(3);
  backends[0].flows = 100;
  backends[1].flows = 70;
  backends[2].flows = 130;
  const Spread spread = spread_of(backends);
  EXPECT_EQ(spread.fewest, 70u);
  EXPECT_EQ(spread.most, 130u);
  EXPECT_DOUBLE_EQ(spread.mean, 100);
  EXPECT_DOUBLE_EQ(spread.deviation, 0.3);
  EXPECT_EQ(spread_of({}).most, 0u);
}

}  // namespace
}  // namespace guideway::pktgen::test
