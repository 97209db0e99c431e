// SPDX-License-Identifier: Apache-2.0
#include "core_worker.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "cycles.h"
#include "guideway/core/balance_burst.h"

namespace guideway::bench {

static_assert(kMaxBurst == GW_BURST_MAX);

std::uint32_t now_seconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::uint32_t>(now.tv_sec);
}

Result<FlowTable> FlowTable::make(std::uint64_t entries, PageKind largest, std::uint32_t shards) {
  Result<Pages> pages = Pages::allocate(entries * shards * sizeof(std::uint64_t), largest);
  if (!pages) return tl::unexpected(pages.error());
  return FlowTable{std::move(*pages), static_cast<std::uint32_t>(entries / GW_FLOW_WAYS), shards};
}

void FlowTable::clear() {
  std::memset(pages.data(), 0, std::size_t{buckets_per_shard} * shards * sizeof(gw_flow_bucket));
}

CoreWorker::CoreWorker(FlowTable& flows, const compile::ForwardingState& sizes, std::uint32_t shard)
    : backend_traffic_(sizes.backends.size()),
      service_traffic_(sizes.service_info.size()),
      turns_(sizes.pools.size()) {
  port_.buckets = static_cast<gw_flow_bucket*>(flows.pages.data());
  port_.buckets_per_shard = flows.buckets_per_shard;
  port_.shard_count = flows.shards;
  port_.shard = shard;
  port_.backend_traffic_count = static_cast<std::uint32_t>(backend_traffic_.size());
  port_.service_traffic_count = static_cast<std::uint32_t>(service_traffic_.size());
  port_.counters = &counters_;
  port_.backend_traffic = backend_traffic_.data();
  port_.service_traffic = service_traffic_.data();
  port_.turn_count = static_cast<std::uint32_t>(turns_.size());
  port_.turns = turns_.data();
}

void CoreWorker::use(const datapath::Tables& tables) {
  if (port_.state == tables.state) return;
  port_.state = tables.state;
  port_.services = tables.services;
  port_.pools = tables.pools;
  port_.slots = tables.slots;
  port_.backends = tables.backends;
  port_.nat_addresses = tables.nat_addresses;
}

void CoreWorker::use_nat_table(gw_nat_bucket* buckets, std::uint32_t count) {
  port_.nat_buckets = buckets;
  port_.nat_bucket_count = count;
}

void CoreWorker::balance(const PacketRing& ring, std::uint32_t first, std::uint32_t count,
                         std::uint32_t now_s, gw_outcome* outcomes, Pipeline pipeline) {
  std::array<gw_packet, GW_BURST_MAX> packets;
  for (std::uint32_t i = 0; i < count; i++) packets[i] = ring.view(first + i);
  if (pipeline == Pipeline::kBurst) {
    gw_balance_burst(&port_, packets.data(), outcomes, count, now_s);
  } else {
    for (std::uint32_t i = 0; i < count; i++) outcomes[i] = gw_balance(&port_, &packets[i], now_s);
  }
  keep(packets.data());
  keep(outcomes);
}

void send_flows(CoreWorker& worker, PacketRing& ring, std::uint64_t first, std::uint64_t last,
                TcpFlags flags, const std::function<void(std::uint64_t, const gw_outcome&)>& each,
                std::optional<std::uint32_t> given_s) {
  std::array<gw_outcome, kMaxBurst> outcomes;
  for (std::uint64_t flow = first; flow < last; flow += ring.size()) {
    const auto count =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(ring.size(), last - flow));
    for (std::uint32_t i = 0; i < count; i++) ring.fill(i, flow + i, flags);
    const std::uint32_t now_s = given_s.value_or(now_seconds());
    for (std::uint32_t at = 0; at < count; at += kMaxBurst) {
      const std::uint32_t burst = std::min(kMaxBurst, count - at);
      worker.balance(ring, at, burst, now_s, outcomes.data());
      for (std::uint32_t i = 0; each && i < burst; i++) each(flow + at + i, outcomes[i]);
    }
  }
}

void establish_flows(CoreWorker& worker, PacketRing& ring, std::uint64_t first,
                     std::uint64_t last) {
  for (std::uint64_t flow = first; flow < last; flow += ring.size()) {
    const std::uint64_t end = std::min<std::uint64_t>(flow + ring.size(), last);
    send_flows(worker, ring, flow, end, kSyn);
    send_flows(worker, ring, flow, end, kAck);
  }
}

}  // namespace guideway::bench
