// SPDX-License-Identifier: Apache-2.0
#include "tests/support/core_world.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace guideway::test {
namespace {

/// What the traffic counters of a world hold; no test has more.
constexpr std::uint32_t kMaxBackends = 1024;
constexpr std::uint32_t kMaxServices = 256;
constexpr std::uint32_t kMaxPools = 64;

}  // namespace

CoreWorld::CoreWorld(WorldSize size)
    : size_(size),
      generations_(kMaxBackends, size.nat_planes),
      buckets_(std::size_t{size.buckets_per_shard} * size.shards),
      nat_buckets_(std::size_t{size.nat_planes} * GW_NAT_PLANE),
      counters_(size.shards),
      backend_traffic_(std::size_t{kMaxBackends} * size.shards),
      service_traffic_(kMaxServices),
      turns_(std::size_t{kMaxPools} * size.shards) {}

Result<void> CoreWorld::publish(const model::Model& model, const compile::NextHops& next_hops) {
  Result<compile::ForwardingStatePtr> state = generations_.next(model, next_hops);
  if (!state) return tl::unexpected(state.error());
  publish(std::move(*state));
  return {};
}

void CoreWorld::publish(compile::ForwardingStatePtr state) {
  state_ = std::move(state);
  ports_.clear();
  for (std::uint32_t shard = 0; shard < size_.shards; ++shard) ports_.push_back(make_port(shard));
}

gw_port CoreWorld::make_port(std::uint32_t shard) {
  return {.state = &state_->header,
          .services = state_->services.data(),
          .pools = state_->pools.data(),
          .slots = state_->slots.data(),
          .backends = state_->backends.data(),
          .nat_addresses = state_->nat_addresses.data(),
          .buckets = buckets_.data(),
          .buckets_per_shard = size_.buckets_per_shard,
          .shard_count = size_.shards,
          .shard = shard,
          .backend_traffic_count = kMaxBackends,
          .service_traffic_count = kMaxServices,
          .counters = &counters_[shard],
          .backend_traffic = backend_row(shard).data(),
          .service_traffic = service_traffic_.data(),
          .turn_count = kMaxPools,
          .turns = &turns_[std::size_t{kMaxPools} * shard],
          .nat_buckets = nat_buckets_.data(),
          .nat_bucket_count = static_cast<std::uint32_t>(nat_buckets_.size())};
}

std::span<gw_traffic> CoreWorld::backend_row(std::uint32_t shard) {
  return std::span(backend_traffic_).subspan(std::size_t{kMaxBackends} * shard, kMaxBackends);
}

gw_outcome CoreWorld::balance(Frame& frame, std::uint32_t shard) {
  return gw_balance(&port(shard), frame.packet(), now_s_);
}

void CoreWorld::sweep(std::uint32_t reset) {
  for (gw_flow_bucket& bucket : buckets_) {
    for (std::uint64_t& word : bucket.words) {
      const std::uint32_t id = gw_flow_backend(word);
      const std::uint32_t timeout_s =
          id < state_->backends.size() ? state_->backends[id].sweep_timeout_s : 0;
      word = gw_flow_swept(word, now_s_, timeout_s, id == reset);
    }
  }
  sweep_nat(reset);
}

void CoreWorld::sweep_nat(std::uint32_t reset) {
  for (std::size_t i = 0; i < nat_buckets_.size(); ++i) {
    if (i % GW_NAT_PLANE == 0) continue;
    gw_nat_bucket& bucket = nat_buckets_[i];
    for (std::size_t way = 0; way < GW_NAT_WAYS; ++way) {
      std::uint64_t& word = bucket.ways.words[way];
      if (gw_nat_state(word) != GW_NAT_VALID) continue;
      const std::uint32_t id = gw_nat_backend(word);
      const bool known =
          id < state_->backends.size() && (state_->backends[id].flags & GW_BACKEND_USED) != 0;
      word = gw_nat_swept(word, &bucket.entries[way], now_s_, known ? 1 : 0, id == reset ? 1 : 0);
    }
  }
}

std::size_t CoreWorld::live_flows() const {
  std::size_t live = 0;
  for (const gw_flow_bucket& bucket : buckets_) {
    live += static_cast<std::size_t>(std::count_if(std::begin(bucket.words), std::end(bucket.words),
                                                   [](std::uint64_t word) { return word != 0; }));
  }
  return live;
}

}  // namespace guideway::test
