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
  EXPECT_THAT(problems({.sent = 10}, run.counts(), {}), IsEmpty());
}

TEST(Report, LossIsAFailureBeyondWhatIsAllowed) {
  SmallRun run;
  take_packets(run, 9);
  const Report report{.sent = 10};
  EXPECT_EQ(lost(report, run.counts()), 1u);
  EXPECT_THAT(problems(report, run.counts(), {}), ElementsAre(HasSubstr("1 of 10 packets")));
  EXPECT_THAT(problems(report, run.counts(), {.max_loss = 0.1}), IsEmpty());
}

TEST(Report, NothingSentIsAFailure) {
  EXPECT_THAT(problems({}, SmallRun().counts(), {.max_loss = 1}),
              ElementsAre(HasSubstr("no packet was sent")));
}

TEST(Report, AMovedFlowADuplicateAndDamageAreFailures) {
  SmallRun run;
  take_packets(run, 2);
  run.sink().take(forwarded(run.sent(0, 1), 2));
  EXPECT_THAT(problems({.sent = 3}, run.counts(), {.max_loss = 1}),
              ElementsAre(HasSubstr("1 flows changed")));
  run.sink().take(forwarded(run.sent(1, 0), 2));
  Bytes damaged = forwarded(run.sent(1, 1), 2);
  damaged[kEthernetLength + 10] ^= 1;
  run.sink().take(damaged);
  EXPECT_THAT(problems({.sent = 4}, run.counts(), {.max_loss = 1}),
              ElementsAre(HasSubstr("1 flows changed"), HasSubstr("ip_checksum 1"),
                          HasSubstr("1 packets came twice")));
}

TEST(Report, ReorderingIsAFailureOnlyIfAsked) {
  SmallRun run;
  for (const std::uint32_t sequence : {0u, 1u, 4u, 3u})
    run.sink().take(forwarded(run.sent(5, sequence)));
  const Report report{.sent = 4};
  EXPECT_THAT(problems(report, run.counts(), {}), IsEmpty());
  EXPECT_THAT(problems(report, run.counts(), {.max_late = 0.25}), IsEmpty());
  EXPECT_THAT(problems(report, run.counts(), {.max_late = 0.1}),
              ElementsAre(HasSubstr("1 packets came late")));
  const Json json = Json::parse(as_json(report, run.sink(), {}));
  EXPECT_EQ(json["late"], 1);
  EXPECT_EQ(json["late_by"]["most"], 1);
}

TEST(Report, SaysLatencyOnlyIfItWasMeasured) {
  SmallRun run({.stamped = true});
  for (std::uint32_t i = 0; i < 100; i++)
    run.sink().take(forwarded(run.sent({{i, 0}, kPushAck}, 1'000'000)), 1'000'000 + 1000 * i);
  Report report{.sent = 100, .latency = true};
  const Json json = Json::parse(as_json(report, run.sink(), {}));
  EXPECT_EQ(json["latency_us"]["count"], 100);
  EXPECT_EQ(json["latency_us"]["least"], 0);
  EXPECT_EQ(json["latency_us"]["most"], 99.0);
  EXPECT_NEAR(json["latency_us"]["p50"].get<double>(), 49, 1);
  EXPECT_THAT(as_text(report, run.sink(), {}), HasSubstr("of 100 packets"));
  report.latency = false;
  EXPECT_FALSE(Json::parse(as_json(report, run.sink(), {})).contains("latency_us"));
}

TEST(Report, TheRateThatWasFoundIsTheBestGoodTrials) {
  SmallRun run;
  take_packets(run, 10);
  Report report{.sent = 10, .trials = {{800, 790, 0.1, false}, {400, 399, 0, true}}};
  EXPECT_THAT(problems(report, run.counts(), {}), IsEmpty());
  const Json json = Json::parse(as_json(report, run.sink(), {}));
  EXPECT_EQ(json["found_pps"], 399);
  EXPECT_EQ(json["trials"].size(), 2u);
  EXPECT_THAT(as_text(report, run.sink(), {}), HasSubstr("found       399 per second"));
  report.trials.pop_back();
  report.sent = 11;
  EXPECT_THAT(problems(report, run.counts(), {}), ElementsAre(HasSubstr("every rate")));
}

TEST(Report, JsonSaysWhatTheTextSays) {
  SmallRun run;
  take_packets(run, 9);
  const Report report{.seed = 7, .flows = 1000, .seconds = 2, .sent = 10, .bytes_sent = 600};
  const Json json = Json::parse(as_json(report, run.sink(), {.max_loss = 0.5}));
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
  EXPECT_FALSE(Json::parse(as_json(report, run.sink(), {}))["good"]);

  const std::string text = as_text(report, run.sink(), {});
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
