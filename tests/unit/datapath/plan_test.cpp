// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace guideway::datapath::dpdk {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ChooseCpus, LeavesTheFirstCpuToTheControlThread) {
  EXPECT_THAT(choose_cpus({}, {0, 1, 2, 3}, 16).value(), ElementsAre(1, 2, 3));
  EXPECT_THAT(choose_cpus({}, {0, 1, 2, 3}, 2).value(), ElementsAre(1, 2));
  EXPECT_THAT(choose_cpus({}, {5}, 16).value(), ElementsAre(5));
}

TEST(ChooseCpus, TakesWhatIsWanted) {
  EXPECT_THAT(choose_cpus({3, 1}, {0, 1, 2, 3}, 1).value(), ElementsAre(3, 1));
}

TEST(ChooseCpus, RefusesACpuThatIsNotAllowed) {
  EXPECT_THAT(choose_cpus({1, 9}, {0, 1}, 16).error().message,
              HasSubstr("CPU 9, which this process may not use; it may use 0, 1"));
}

TEST(ChooseCpus, RefusesACpuTwice) {
  EXPECT_THAT(choose_cpus({1, 1}, {0, 1}, 16).error().message, HasSubstr("CPU 1 twice"));
}

TEST(Assign, GivesEachWorkerItsQueuesWhereThereAreEnough) {
  const PortFacts port{"wan", 4, 3, 3, true};
  for (int worker = 0; worker < 3; worker++) {
    const WorkerInterface part = assign(port, static_cast<unsigned>(worker), 3);
    EXPECT_EQ(part.port_id, 4);
    EXPECT_EQ(part.rx_queue, worker);
    EXPECT_EQ(part.tx_queue, worker);
    EXPECT_FALSE(part.distribute);
  }
}

TEST(Assign, MakesTheFirstWorkerReceiveAndSendForAll) {
  const PortFacts port{"wan", 0, 1, 1, true};
  const WorkerInterface first = assign(port, 0, 3);
  EXPECT_EQ(first.rx_queue, 0);
  EXPECT_EQ(first.tx_queue, 0);
  EXPECT_TRUE(first.distribute);
  const WorkerInterface second = assign(port, 1, 3);
  EXPECT_EQ(second.rx_queue, WorkerInterface::kNoQueue);
  EXPECT_EQ(second.tx_queue, WorkerInterface::kNoQueue);
}

TEST(DescribeDistribution, SaysWhoDistributesWhat) {
  const PortFacts wan{"wan", 0, 2, 2, true};
  const PortFacts lan{"lan", 1, 1, 2, true};
  const PortFacts plain{"plain", 2, 2, 2, false};
  EXPECT_EQ(describe_distribution({wan}, 1), "one worker");
  EXPECT_EQ(describe_distribution({wan}, 2), "rss");
  EXPECT_EQ(describe_distribution({wan, plain}, 2), "one queue per worker, the device chooses");
  EXPECT_EQ(describe_distribution({wan, lan}, 2),
            "worker 0 distributes lan (1 queue for 2 workers)");
}

}  // namespace
}  // namespace guideway::datapath::dpdk
