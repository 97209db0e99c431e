// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/dpdk_datapath.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "../../support/eventually.h"
#include "guideway/datapath/dpdk/eal.h"
#include "small_state.h"
#include "worker_fixture.h"

namespace guideway::datapath::dpdk::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using ::guideway::test::eventually;

Options options_for(const std::string& device) {
  start_test_eal();
  Options options;
  options.interfaces = {{"wan", device}};
  options.kernel_side = KernelSideKind::kNone;
  options.worker_cpus = {allowed_cpus().back()};
  options.flows = 4096;
  return options;
}

std::string start_error(const Options& options) {
  const auto datapath = DpdkDatapath::start(options);
  return datapath ? "started" : datapath.error().message;
}

/// net_null makes as many frames of zeros as it is asked for: not IP, so for the kernel.
constexpr const char* kEndlessTraffic = "vdev:net_null0,size=64";

TEST(DpdkDatapath, StartsAndStopsTimeAndAgain) {
  for (int i = 0; i < 3; i++) {
    auto datapath = DpdkDatapath::start(options_for(kEndlessTraffic));
    ASSERT_TRUE(datapath) << datapath.error().message;
    (*datapath)->stop(End::kDetach);  // although there is always a packet to look at first
    (*datapath)->stop(End::kDetach);
  }
}

TEST(DpdkDatapath, SaysWhatItRunsOn) {
  auto datapath = DpdkDatapath::start(options_for(kEndlessTraffic));
  ASSERT_TRUE(datapath) << datapath.error().message;
  const DatapathStatus status = (*datapath)->status();
  EXPECT_EQ(status.kind, "dpdk");
  EXPECT_THAT(status.memory, HasSubstr("no huge pages"));
  EXPECT_EQ(status.distribution, "one worker");
  ASSERT_EQ(status.interfaces.size(), 1u);
  EXPECT_EQ(status.interfaces[0].name, "wan");
  EXPECT_EQ(status.interfaces[0].driver, "net_null");
  EXPECT_EQ(status.interfaces[0].mtu, 1500u);
  EXPECT_TRUE(status.interfaces[0].link_up);
  EXPECT_EQ(status.interfaces[0].rx_queues, 1u);
  ASSERT_EQ(status.workers.size(), 1u);
  EXPECT_EQ(status.workers[0].cpu, allowed_cpus().back());
  EXPECT_EQ((*datapath)->flow_table().shard_count, 1u);
}

TEST(DpdkDatapath, CountersAddUpWhileAndAfterTrafficRuns) {
  auto datapath = DpdkDatapath::start(options_for(kEndlessTraffic));
  ASSERT_TRUE(datapath) << datapath.error().message;
  auto counters = [&] { return (*datapath)->status().workers[0].counters; };
  ASSERT_TRUE(eventually([&] {
    const gw_counters now = counters();
    EXPECT_TRUE(adds_up(now));
    return now.packets_in > 100'000;
  }));
  (*datapath)->stop(End::kDetach);
  const gw_counters last = counters();
  EXPECT_TRUE(adds_up(last));
  EXPECT_EQ(last.bytes_in, 64 * last.packets_in);
  EXPECT_EQ(last.reasons[GW_REASON_KERNEL_QUEUE_FULL], last.packets_in);
}

TEST(DpdkDatapath, PublishesUnderTraffic) {
  auto datapath = DpdkDatapath::start(options_for(kEndlessTraffic));
  ASSERT_TRUE(datapath) << datapath.error().message;
  std::weak_ptr<const compile::ForwardingState> first;
  for (std::uint64_t generation = 1; generation <= 50; generation++) {
    auto state = small_state(generation);
    if (generation == 1) first = state;
    (*datapath)->publish(std::move(state));
  }
  EXPECT_TRUE(eventually([&] { return (*datapath)->grace_passed(50); }));
  (*datapath)->reclaim();
  EXPECT_TRUE(first.expired());
}

TEST(DpdkDatapath, ForwardsBetweenRealDevices) {
  RingPort wire("forward", 1, 1024);
  auto datapath = DpdkDatapath::start(options_for(wire.device()));
  ASSERT_TRUE(datapath) << datapath.error().message;
  (*datapath)->publish(small_state(1));
  ASSERT_TRUE(eventually([&] { return (*datapath)->grace_passed(1); }));
  for (std::uint16_t port = 0; port < 500; port++) wire.put(running_pool(), ack_frame(1, port));
  EXPECT_TRUE(
      eventually([&] { return (*datapath)->status().workers[0].counters.packets_in == 500; }));
  const DatapathStatus status = (*datapath)->status();
  EXPECT_EQ(status.workers[0].counters.reasons[GW_REASON_FORWARDED], 500u);
  EXPECT_EQ(wire.take_sent().size(), 500u);
  std::uint64_t packets = 0;
  for (const gw_traffic& backend : status.backends) packets += backend.packets;
  EXPECT_EQ(packets, 500u);
  EXPECT_EQ(status.services[0].packets, 500u);
  (*datapath)->forget_backend_traffic(0);
  EXPECT_EQ((*datapath)->status().backends[0].packets, 0u);
  (*datapath)->stop(End::kDetach);
  EXPECT_EQ((*datapath)->status().services[0].packets, 500u);
}

TEST(DpdkDatapath, DistributesOverTwoWorkersFromOneQueue) {
  if (allowed_cpus().size() < 2) FAIL() << "needs two CPUs";
  RingPort wire("spread", 1, 4096);
  Options options = options_for(wire.device());
  options.worker_cpus = {allowed_cpus()[0], allowed_cpus()[1]};
  auto datapath = DpdkDatapath::start(options);
  ASSERT_TRUE(datapath) << datapath.error().message;
  (*datapath)->publish(small_state(1));
  ASSERT_TRUE(eventually([&] { return (*datapath)->grace_passed(1); }));
  for (int round = 0; round < 2; round++) {
    for (std::uint16_t port = 0; port < 500; port++) wire.put(running_pool(), ack_frame(1, port));
  }
  auto total = [&] {
    const auto status = (*datapath)->status();
    return status.workers[0].counters.packets_in + status.workers[1].counters.packets_in;
  };
  EXPECT_TRUE(eventually([&] { return total() == 1000; }));
  (*datapath)->stop(End::kDetach);
  const DatapathStatus status = (*datapath)->status();
  EXPECT_EQ(status.distribution, "worker 0 distributes wan (1 queue for 2 workers)");
  for (const WorkerStatus& worker : status.workers) {
    EXPECT_TRUE(adds_up(worker.counters));
    EXPECT_EQ(worker.counters.packets_in, 2 * worker.counters.events[GW_EVENT_FLOW_NEW]);
    EXPECT_GT(worker.counters.packets_in, 400u);
  }
}

TEST(DpdkDatapath, RefusesASecondStart) {
  auto datapath = DpdkDatapath::start(options_for(kEndlessTraffic));
  ASSERT_TRUE(datapath) << datapath.error().message;
  EXPECT_THAT(start_error(options_for("vdev:net_null1")),
              HasSubstr("runs in this process already"));
}

TEST(DpdkDatapath, RefusesAKernelInterface) {
  EXPECT_THAT(start_error(options_for("eth0")),
              AllOf(HasSubstr("eth0 is a kernel interface"), HasSubstr("afxdp and xdp")));
}

TEST(DpdkDatapath, RefusesADeviceThatDpdkDoesNotKnow) {
  EXPECT_THAT(start_error(options_for("vdev:net_nonsense0")),
              HasSubstr("interface wan: DPDK cannot use net_nonsense0"));
}

TEST(DpdkDatapath, RefusesToRunWithoutAnInterface) {
  Options options = options_for(kEndlessTraffic);
  options.interfaces.clear();
  EXPECT_THAT(start_error(options), HasSubstr("names no interface"));
}

TEST(DpdkDatapath, RefusesOneDeviceForTwoInterfaces) {
  Options options = options_for(kEndlessTraffic);
  options.interfaces.push_back({"lan", kEndlessTraffic});
  EXPECT_THAT(start_error(options), HasSubstr("belongs to another interface already"));
}

TEST(DpdkDatapath, StartsAgainAfterAFailedStart) {
  EXPECT_NE(start_error(options_for("vdev:net_nonsense0")), "started");
  EXPECT_EQ(start_error(options_for(kEndlessTraffic)), "started");
}

}  // namespace
}  // namespace guideway::datapath::dpdk::testing
