// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/worker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>

#include "small_state.h"
#include "worker_fixture.h"

namespace guideway::datapath::dpdk::testing {
namespace {

constexpr std::uint32_t kNow = 1000;

TEST(Worker, SendsEverythingToTheKernelBeforeTheFirstState) {
  WorkerFixture fixture;
  fixture.put(0, syn_frame(1, 1000));
  fixture.put(0, arp_frame());
  fixture.run_until_idle(kNow);
  EXPECT_EQ(fixture.to_kernel(0), (std::vector<Frame>{syn_frame(1, 1000), arp_frame()}));
  EXPECT_TRUE(fixture.sent(0).empty());
  EXPECT_EQ(fixture.counters().reasons[GW_REASON_NO_SERVICE], 1u);
  EXPECT_EQ(fixture.counters().reasons[GW_REASON_NOT_UNICAST], 1u);
}

TEST(Worker, SendsAServicesPacketToTheBackendAndCountsIt) {
  WorkerFixture fixture;
  fixture.publish(small_state(1));
  const Frame frame = syn_frame(1, 1000);
  fixture.put(0, frame);
  fixture.run_until_idle(kNow);
  const auto sent = fixture.sent(0);
  ASSERT_EQ(sent.size(), 1u);
  const unsigned backend = backend_of(sent[0]);
  ASSERT_NE(backend, 0u);
  EXPECT_EQ(sent[0].size(), frame.size());
  const gw_counters counters = fixture.counters();
  EXPECT_EQ(counters.packets_in, 1u);
  EXPECT_EQ(counters.bytes_in, frame.size());
  EXPECT_EQ(counters.reasons[GW_REASON_FORWARDED], 1u);
  EXPECT_EQ(counters.events[GW_EVENT_FLOW_NEW], 1u);
  EXPECT_EQ(fixture.service_traffic(0).packets, 1u);
  std::uint64_t packets = 0;
  for (std::uint16_t id = 0; id < kBackends; id++) packets += fixture.backend_traffic(id).packets;
  EXPECT_EQ(packets, 1u);
}

TEST(Worker, SendsOutOfTheInterfaceThatTheBackendIsOn) {
  WorkerFixture fixture({.interfaces = 2});
  fixture.publish(small_state(1, 1));
  fixture.put(0, syn_frame(1, 1000));
  fixture.run_until_idle(kNow);
  EXPECT_TRUE(fixture.sent(0).empty());
  EXPECT_EQ(fixture.sent(1).size(), 1u);
}

TEST(Worker, GivesTheKernelPacketsByTheInterfaceTheyCameIn) {
  WorkerFixture fixture({.interfaces = 2});
  fixture.put(1, arp_frame());
  fixture.run_until_idle(kNow);
  EXPECT_TRUE(fixture.to_kernel(0).empty());
  EXPECT_EQ(fixture.to_kernel(1).size(), 1u);
}

TEST(Worker, DropsAndCountsAsBadTableWhatHasNoSuchInterface) {
  WorkerFixture fixture;
  fixture.publish(small_state(1, 7));
  fixture.put(0, syn_frame(1, 1000));
  fixture.run_until_idle(kNow);
  EXPECT_TRUE(fixture.sent(0).empty());
  EXPECT_EQ(fixture.counters().reasons[GW_REASON_BAD_TABLE], 1u);
  EXPECT_EQ(fixture.counters().reasons[GW_REASON_FORWARDED], 0u);
}

TEST(Worker, RecountsWhatTheDeviceDidNotTake) {
  WorkerFixture fixture({.tx_length = 8});  // one place stays empty
  fixture.publish(small_state(1));
  const Frame frame = ack_frame(1, 1000, 100);
  for (int i = 0; i < 20; i++) fixture.put(0, frame);
  fixture.run_until_idle(kNow);
  const gw_counters counters = fixture.counters();
  EXPECT_EQ(counters.packets_in, 20u);
  EXPECT_EQ(counters.reasons[GW_REASON_FORWARDED], 7u);
  EXPECT_EQ(counters.reasons[GW_REASON_TX_FULL], 13u);
  EXPECT_EQ(fixture.service_traffic(0).packets, 7u);
  EXPECT_EQ(fixture.service_traffic(0).bytes, 7 * frame.size());
  EXPECT_EQ(fixture.sent(0).size(), 7u);
  gw_traffic backends{};
  for (std::uint16_t id = 0; id < kBackends; id++) {
    backends.packets += fixture.backend_traffic(id).packets;
    backends.bytes += fixture.backend_traffic(id).bytes;
  }
  EXPECT_EQ(backends.packets, 7u);
  EXPECT_EQ(backends.bytes, 7 * frame.size());
}

/// A frame for the service with `length` bytes in all, of which the last ones follow the IP packet.
Frame padded_frame(std::size_t length) {
  Frame frame = ack_frame(1, 1000, 1400);
  frame.resize(length);
  return frame;
}

TEST(Worker, RecountsAFrameThatIsLongerThanTheDeviceTakes) {
  WorkerFixture fixture;
  fixture.publish(small_state(1));
  const std::size_t longest = fixture.setup(0).interfaces[0].longest_frame;
  ASSERT_EQ(longest, 1522u);
  for (std::size_t length : {longest + 1, longest, longest + 100}) {
    fixture.put(0, padded_frame(length));
  }
  fixture.run_until_idle(kNow);
  EXPECT_EQ(fixture.sent(0).size(), 1u);
  const gw_counters counters = fixture.counters();
  EXPECT_EQ(counters.reasons[GW_REASON_FORWARDED], 1u);
  EXPECT_EQ(counters.reasons[GW_REASON_MTU_EXCEEDED], 2u);
  EXPECT_EQ(fixture.service_traffic(0).packets, 1u);
  EXPECT_TRUE(adds_up(counters));
}

TEST(Worker, RecountsWhatTheKernelQueueDidNotTake) {
  WorkerFixture fixture;
  fixture.kernel().capacity = 3;
  for (int i = 0; i < 10; i++) fixture.put(0, arp_frame());
  fixture.run_until_idle(kNow);
  EXPECT_EQ(fixture.to_kernel(0).size(), 3u);
  EXPECT_EQ(fixture.counters().reasons[GW_REASON_NOT_UNICAST], 3u);
  EXPECT_EQ(fixture.counters().reasons[GW_REASON_KERNEL_QUEUE_FULL], 7u);
}

TEST(Worker, JoinsThePartsOfASplitPacket) {
  WorkerFixture fixture;
  fixture.publish(small_state(1));
  const Frame frame = ack_frame(1, 1000, 1200);
  fixture.put(0, frame, 0, 500);
  fixture.run_until_idle(kNow);
  const auto sent = fixture.sent(0);
  ASSERT_EQ(sent.size(), 1u);
  ASSERT_EQ(sent[0].size(), frame.size());
  EXPECT_TRUE(std::equal(frame.begin() + 40, frame.end(), sent[0].begin() + 40));
}

TEST(Worker, DropsASplitPacketThatDoesNotFitIntoOneBuffer) {
  WorkerFixture fixture;
  fixture.publish(small_state(1));
  fixture.put(0, Frame(5000, 0), 0, 1800);
  fixture.put(0, syn_frame(1, 1000));
  fixture.run_until_idle(kNow);
  EXPECT_EQ(fixture.counters().reasons[GW_REASON_NOT_LINEAR], 1u);
  EXPECT_EQ(fixture.counters().bytes_in, 5000 + syn_frame(1, 1000).size());
  EXPECT_EQ(fixture.sent(0).size(), 1u);
  EXPECT_TRUE(adds_up(fixture.counters()));
}

TEST(Worker, SendsTheHostsFramesUnchanged) {
  WorkerFixture fixture({.interfaces = 2});
  fixture.put_from_kernel(1, arp_frame());
  fixture.run_until_idle(kNow);
  EXPECT_EQ(fixture.sent(1), std::vector<Frame>{arp_frame()});
  EXPECT_TRUE(fixture.sent(0).empty());
  EXPECT_EQ(fixture.counters().packets_in, 0u);
}

TEST(Worker, KeepsTheHostsFramesInOrderWhileTheDeviceIsFull) {
  WorkerFixture fixture({.tx_length = 8});
  std::vector<Frame> all;
  for (std::uint16_t port = 0; port < 40; port++) {
    all.push_back(syn_frame(1, port));
    fixture.put_from_kernel(0, all.back());
  }
  std::vector<Frame> sent;
  for (int round = 0; sent.size() < all.size() && round < 100; round++) {
    fixture.poll(kNow);
    for (Frame& frame : fixture.sent(0)) sent.push_back(std::move(frame));
  }
  EXPECT_EQ(sent, all);
}

TEST(Worker, CountersAddUpUnderRandomTraffic) {
  WorkerFixture fixture({.interfaces = 2, .tx_length = 64});
  fixture.kernel().capacity = 50;
  fixture.publish(small_state(1));
  std::mt19937 random(1);
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  for (int i = 0; i < 2000; i++) {
    Frame frame =
        random() % 4 == 0 ? arp_frame() : ack_frame(1, static_cast<std::uint16_t>(random()));
    for (auto damages = random() % 3; damages > 0; damages--) {
      frame[random() % frame.size()] = static_cast<std::uint8_t>(random());
    }
    frame.resize(1 + random() % frame.size());
    bytes += frame.size();
    packets++;
    fixture.put(random() % 2, frame, 0, random() % 2 == 0 ? 0 : 16);
  }
  fixture.run_until_idle(kNow);
  const gw_counters counters = fixture.counters();
  EXPECT_EQ(counters.packets_in, packets);
  EXPECT_EQ(counters.bytes_in, bytes);
  EXPECT_TRUE(adds_up(counters));
  EXPECT_EQ(fixture.sent(0).size() + fixture.sent(1).size(),
            counters.reasons[GW_REASON_FORWARDED] + counters.reasons[GW_REASON_RESET_SENT]);
  EXPECT_EQ(fixture.service_traffic(0).packets, counters.reasons[GW_REASON_FORWARDED]);
}

TEST(Worker, UsesANewStateFromItsNextRoundOn) {
  WorkerFixture fixture;
  fixture.publish(small_state(1));
  fixture.poll(kNow);
  EXPECT_TRUE(fixture.published().grace_passed(1));
  fixture.publish(small_state(2));
  EXPECT_FALSE(fixture.published().grace_passed(2));
  fixture.poll(kNow);
  EXPECT_TRUE(fixture.published().grace_passed(2));
}

TEST(SharedQueue, AFlowStaysWithItsWorkerAndAllWorkersTakePart) {
  WorkerFixture fixture({.workers = 2, .queues = 1});
  fixture.publish(small_state(1));
  for (int round = 0; round < 3; round++) {
    for (std::uint16_t port = 1000; port < 1100; port++) fixture.put(0, ack_frame(1, port));
    fixture.run_until_idle(kNow);
  }
  std::uint64_t hits = 0;
  for (unsigned worker = 0; worker < 2; worker++) {
    const gw_counters counters = fixture.counters(worker);
    EXPECT_GT(counters.packets_in, 90u);
    EXPECT_TRUE(adds_up(counters));
    // Three packets a flow, all on one worker: one miss and two hits.
    EXPECT_EQ(counters.packets_in, 3 * counters.events[GW_EVENT_FLOW_NEW]);
    hits += counters.events[GW_EVENT_FLOW_HIT];
  }
  EXPECT_EQ(hits, 200u);
  std::map<std::uint16_t, std::vector<unsigned>> backends;
  for (const Frame& frame : fixture.sent(0)) {
    backends[client_port(frame)].push_back(backend_of(frame));
  }
  EXPECT_EQ(backends.size(), 100u);
  for (const auto& [port, seen] : backends) {
    EXPECT_EQ(seen, std::vector<unsigned>(3, seen[0])) << "port " << port;
  }
}

TEST(SharedQueue, AFullRingToAnotherWorkerIsCountedWhereThePacketCameIn) {
  WorkerFixture fixture({.workers = 2, .queues = 1});
  fixture.publish(small_state(1));
  Worker first(fixture.setup(0));  // the other worker does not run
  std::uint64_t put = 0;
  for (std::uint16_t port = 0; port < 4000; port++, put++) fixture.put(0, ack_frame(1, port));
  while (first.poll_once(kNow) != 0) {
  }
  const gw_counters counters = first.counters().snapshot();
  EXPECT_TRUE(adds_up(counters));
  EXPECT_GT(counters.reasons[GW_REASON_HANDOVER_FULL], 0u);
  EXPECT_EQ(put - counters.packets_in, Distributor::kRingLength - 1);
}

TEST(SharedQueue, AWorkerWithoutATransmitQueueSendsThroughTheFirst) {
  WorkerFixture fixture({.workers = 2, .queues = 1, .tx_length = 4096});
  fixture.publish(small_state(1));
  for (std::uint16_t port = 0; port < 500; port++) fixture.put(0, ack_frame(1, port));
  fixture.run_until_idle(kNow);
  EXPECT_GT(fixture.counters(1).reasons[GW_REASON_FORWARDED], 0u);
  EXPECT_EQ(fixture.sent(0).size(), 500u);
}

TEST(SharedQueue, NoFrameThatTheDeviceWouldNotTakeReachesTheOutbox) {
  WorkerFixture fixture({.workers = 2, .queues = 1});
  fixture.publish(small_state(1));
  for (std::uint16_t port = 0; port < 20; port++) {
    Frame frame = ack_frame(1, port, 1400);
    frame.resize(1523);
    fixture.put(0, frame);
    fixture.put(0, ack_frame(1, port));
  }
  fixture.run_until_idle(kNow);
  EXPECT_GT(fixture.counters(1).reasons[GW_REASON_MTU_EXCEEDED], 0u);
  EXPECT_EQ(fixture.counters(0).reasons[GW_REASON_MTU_EXCEEDED] +
                fixture.counters(1).reasons[GW_REASON_MTU_EXCEEDED],
            20u);
  EXPECT_EQ(fixture.sent(0).size(), 20u);
}

}  // namespace
}  // namespace guideway::datapath::dpdk::testing
