// SPDX-License-Identifier: Apache-2.0
#include "guideway/control/build_turns.h"

#include <gtest/gtest.h>

namespace guideway::control {
namespace {

using std::chrono::milliseconds;
using Ask = BuildTurns::Change;
using Next = BuildTurns::Next;

class BuildTurnsTest : public testing::Test {
 protected:
  Next take(bool build, Ask change) { return turns_.take({build, change}, now_, kInterval); }
  void pass(milliseconds time) { now_ += time; }
  void built() { turns_.built(now_); }

  static constexpr milliseconds kInterval{100};
  BuildTurns turns_;
  BuildTurns::Clock::time_point now_{std::chrono::hours(1)};
};

TEST_F(BuildTurnsTest, TheFirstIsBuiltAtOnceTheNextAfterTheInterval) {
  EXPECT_EQ(take(false, Ask::kNone), Next::kNothing);
  EXPECT_EQ(take(true, Ask::kNone), Next::kBuild);
  built();
  EXPECT_EQ(take(true, Ask::kNone), Next::kLater);
  EXPECT_EQ(take(false, Ask::kToRead), Next::kLater);
  EXPECT_EQ(take(false, Ask::kToPublish), Next::kLater);
  EXPECT_EQ(turns_.due(kInterval), now_ + kInterval);
  pass(kInterval);
  EXPECT_EQ(take(false, Ask::kToRead), Next::kChange);
}

TEST_F(BuildTurnsTest, HealthGoesBeforeChangesThatComeToNothing) {
  for (int i = 0; i < 5; i++) {
    EXPECT_EQ(take(true, Ask::kToRead), Next::kBuild) << i;
    built();
    EXPECT_EQ(take(false, Ask::kToRead), Next::kLater);
    pass(kInterval);
    EXPECT_EQ(take(false, Ask::kToRead), Next::kChange) << "nothing came of it";
    EXPECT_EQ(take(false, Ask::kToRead), Next::kChange) << "nor of the next";
  }
}

TEST_F(BuildTurnsTest, ChangesAreNotKeptAwayByATurmoil) {
  for (int i = 0; i < 5; i++) {
    EXPECT_EQ(take(true, Ask::kToRead), Next::kBuild) << i;
    built();
    pass(kInterval);
    EXPECT_EQ(take(true, Ask::kToRead), Next::kChange) << i;
  }
}

TEST_F(BuildTurnsTest, HealthIsBuiltWhileAChangeWaitsForItsNeighbours) {
  EXPECT_EQ(take(false, Ask::kToRead), Next::kChange);
  EXPECT_EQ(take(true, Ask::kNone), Next::kBuild);
}

TEST_F(BuildTurnsTest, AChangeThatIsReadyTakesHealthAlong) {
  EXPECT_EQ(take(true, Ask::kToPublish), Next::kChange);
}

TEST_F(BuildTurnsTest, DryRunsWaitForNoIntervalAndKeepNobodyAway) {
  built();
  EXPECT_EQ(take(true, Ask::kDryRun), Next::kChange);
  pass(kInterval);
  EXPECT_EQ(take(true, Ask::kDryRun), Next::kBuild);
  built();
  EXPECT_EQ(take(true, Ask::kDryRun), Next::kChange);
  pass(kInterval);
  EXPECT_EQ(take(true, Ask::kDryRun), Next::kBuild);
}

}  // namespace
}  // namespace guideway::control
