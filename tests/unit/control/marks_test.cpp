// SPDX-License-Identifier: Apache-2.0
#include "guideway/control/marks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace guideway::control {
namespace {

using std::chrono::seconds;
using ::testing::IsEmpty;
using What = MarkChange::What;

const Moment kMarked{std::chrono::system_clock::from_time_t(1'700'000'000), {}};
const MarkKey kB1{"web", "b1"};

Marks with(MarkChange change) {
  Marks marks;
  apply(change, kMarked, marks);
  return marks;
}

TEST(Marks, HealthByHandEndsAtItsTimeOrWhenTold) {
  Marks marks = with({kB1, What::kForceDown, seconds(60), false});
  EXPECT_EQ(marks[kB1].forced, model::Forced::kDown);
  EXPECT_FALSE(end_marks(marks, kMarked + seconds(59)));
  const auto ended = end_marks(marks, kMarked + seconds(60));
  ASSERT_TRUE(ended);
  EXPECT_THAT(ended->marks, IsEmpty());
  EXPECT_EQ(ended->notes.front().backend, kB1);
  apply({kB1, What::kAuto, std::nullopt, false}, kMarked, marks);
  EXPECT_THAT(marks, IsEmpty());
  EXPECT_FALSE(end_marks(with({kB1, What::kForceUp, std::nullopt, false}),
                         kMarked + std::chrono::hours(10'000)));
}

TEST(Marks, ADrainsDeadlineKeepsOrResets) {
  const auto kept = end_marks(with({kB1, What::kDrain, seconds(5), false}), kMarked + seconds(5));
  ASSERT_TRUE(kept);
  EXPECT_THAT(kept->marks, IsEmpty());
  const auto reset = end_marks(with({kB1, What::kDrain, seconds(5), true}), kMarked + seconds(5));
  ASSERT_TRUE(reset);
  EXPECT_TRUE(reset->marks.at(kB1).resets_flows);
  Marks marks = reset->marks;
  EXPECT_FALSE(end_marks(marks, kMarked + seconds(100))) << "once is enough";
  apply({kB1, What::kKeep, std::nullopt, false}, kMarked, marks);
  EXPECT_THAT(marks, IsEmpty());
}

TEST(Marks, ATimeToLiveBeginsAnewWithEachRenewal) {
  Marks marks = with({kB1, What::kRenew, seconds(30), false});
  apply({kB1, What::kRenew, seconds(30), false}, kMarked + seconds(20), marks);
  EXPECT_FALSE(end_marks(marks, kMarked + seconds(49)));
  const auto ended = end_marks(marks, kMarked + seconds(50));
  ASSERT_TRUE(ended);
  ASSERT_EQ(ended->deletions.size(), 1u);
  EXPECT_EQ(ended->deletions[0].path.to_string(), "pools/web/backends/b1");
  apply({kB1, What::kRenew, std::nullopt, false}, kMarked, marks);
  EXPECT_THAT(marks, IsEmpty()) << "without a time it stays for good";
}

TEST(Marks, AStepOfTheWallClockEndsNoTimeToLive) {
  const Marks marks = with({kB1, What::kRenew, seconds(30), false});
  const Moment stepped{kMarked.wall + std::chrono::hours(1), kMarked.steady + seconds(1)};
  EXPECT_FALSE(end_marks(marks, stepped));
  const Moment stepped_back{kMarked.wall - std::chrono::hours(1), kMarked.steady + seconds(30)};
  EXPECT_TRUE(end_marks(marks, stepped_back));
}

TEST(Marks, GoWithTheirBackend) {
  Marks marks = with({kB1, What::kForceUp, std::nullopt, false});
  config::Resources resources;
  resources.pools = config::Json::parse(R"([{"name": "web", "backends": [{"name": "b2"}]}])");
  drop_orphans(resources, marks);
  EXPECT_THAT(marks, IsEmpty());
}

TEST(Marks, AreWrittenIntoTheModel) {
  model::Model model;
  model.pools.resize(1);
  model.pools[0].name = "web";
  model.pools[0].backends.resize(2);
  model.pools[0].backends[0].name = "b1";
  model.pools[0].backends[1].name = "b2";
  apply_to_model(with({kB1, What::kForceDown, std::nullopt, false}), model);
  EXPECT_EQ(model.pools[0].backends[0].forced, model::Forced::kDown);
  EXPECT_EQ(model.pools[0].backends[1].forced, model::Forced::kNone);
}

TEST(Marks, GoToTextAndBackAndATimeToLiveBeginsAnew) {
  Marks marks = with({kB1, What::kForceDown, seconds(60), false});
  apply({{"web", "b2"}, What::kDrain, seconds(5), true}, kMarked, marks);
  const auto back = marks_of(to_json(marks), kMarked.steady);
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, marks);
  const Marks living = with({kB1, What::kRenew, seconds(30), false});
  const auto later = marks_of(to_json(living), kMarked.steady + seconds(1000));
  ASSERT_TRUE(later);
  EXPECT_EQ(later->at(kB1).ttl_until, kMarked.steady + seconds(1030));
}

TEST(Marks, HostileTextIsRefusedOrHarmless) {
  for (const char* text :
       {"{}", "[5]", "[{}]", R"([{"pool": 5, "backend": "x"}])", R"([{"pool": "web"}])"})
    EXPECT_FALSE(marks_of(config::Json::parse(text), kMarked.steady)) << text;
  const auto odd = marks_of(config::Json::parse(
                                R"([{"pool": "w", "backend": "b", "forced": "sideways", "ttl_s": -1,
           "forced_until": 99999999999999, "drain_until": "x"}])"),
                            kMarked.steady);
  ASSERT_TRUE(odd);
  EXPECT_THAT(*odd, IsEmpty());
}

}  // namespace
}  // namespace guideway::control
