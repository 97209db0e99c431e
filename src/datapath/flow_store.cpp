// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/flow_store.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "guideway/base/round_up.h"

namespace guideway::datapath {
namespace {

std::size_t bytes_of(FlowShape shape) {
  return std::size_t{shape.shards} * shape.buckets_per_shard * FlowStore::kFlowsUnit;
}

Result<StoredMemoryPtr> open_present(MemoryStore& store, const std::string& name,
                                     std::size_t unit) {
  auto memory = store.open(name, unit);
  if (memory && !*memory) return base::fail("there is no \"" + name + "\" in " + store.name());
  return memory;
}

/// For the operator to decide: flows would lose their backends.
tl::unexpected<base::Error> no_such_id(const MemoryStore& store, const compile::BackendIds& held,
                                       std::uint32_t capacity) {
  const auto& [id, entry] = *held.entries().rbegin();
  return base::fail("capacity.backends = " + std::to_string(capacity) +
                    " is too small for the flow table in " + store.name() + ", where " +
                    entry.key.pool + "/" + entry.name + " has id " + std::to_string(id) +
                    ": make it " + std::to_string(id + 1) +
                    " or more, or let all flows start anew by `guidewayd --detach`");
}

}  // namespace

Result<FlowStore> FlowStore::open(MemoryStore& store, const Wanted& wanted) {
  if (store.contains(kFlows) || store.contains(kKept)) {
    FlowStore flows;
    if (auto found = flows.find(store, wanted.director); !found) {
      spdlog::warn("the flow table in {} cannot be adopted, so flows start anew: {}", store.name(),
                   found.error().message);
    } else {
      auto adopted = flows.adopt(store, wanted, std::move(*found));
      if (!adopted) return tl::unexpected(adopted.error());
      return flows;
    }
  }
  FlowStore flows;
  if (auto made = flows.make(store, wanted); !made) return tl::unexpected(made.error());
  return flows;
}

Result<KeptFlows> FlowStore::find(MemoryStore& store, const std::string& director) {
  auto read = FlowStore::read(store, director);
  if (!read) return read;
  auto flows = open_present(store, kFlows, kFlowsUnit);
  if (!flows) return tl::unexpected(flows.error());
  if ((*flows)->bytes().size() < bytes_of(read->shape))
    return base::fail("it has fewer buckets than its description says");
  flows_ = std::move(*flows);
  return read;
}

Result<void> FlowStore::adopt(MemoryStore& store, const Wanted& wanted, KeptFlows found) {
  compile::BackendIds ids(wanted.backends);
  for (const auto& [id, entry] : found.ids.entries())
    if (!ids.restore(id, entry)) return no_such_id(store, found.ids, wanted.backends);
  found.ids = std::move(ids);
  shape_ = found.shape;
  adopted_ = std::move(found);
  // A new description, so that all ids of the present capacity have room in it.
  Wanted same = wanted;
  same.shape = shape_;
  same.hash_seed = adopted_->hash_seed;
  return make_kept(store, same);
}

Result<void> FlowStore::make(MemoryStore& store, const Wanted& wanted) {
  shape_ = wanted.shape;
  auto flows = store.make(kFlows, bytes_of(shape_), kFlowsUnit);
  if (!flows) return tl::unexpected(flows.error());
  flows_ = std::move(*flows);
  // The description last: without it the table is not adopted.
  store.remove(kKept);
  return store.put(*flows_, kFlows).and_then([&] { return make_kept(store, wanted); });
}

Result<void> FlowStore::make_kept(MemoryStore& store, const Wanted& wanted) {
  auto kept =
      store.make(kKept, base::round_up(kept_flows_bytes(wanted.backends), kKeptUnit), kKeptUnit);
  if (!kept) return tl::unexpected(kept.error());
  kept_ = std::move(*kept);
  format_kept_flows(kept_->bytes(), wanted.director, wanted.shape, wanted.hash_seed,
                    wanted.backends);
  if (adopted_ && adopted_->generation != 0) write_identities(adopted_->generation, adopted_->ids);
  return store.put(*kept_, kKept);
}

Result<KeptFlows> FlowStore::read(MemoryStore& store, const std::string& director) {
  auto kept = open_present(store, kKept, kKeptUnit);
  if (!kept) return tl::unexpected(kept.error());
  return read_kept_flows((*kept)->bytes(), director, GW_NO_BACKEND);
}

FlowTableView FlowStore::view() const {
  auto* buckets = reinterpret_cast<gw_flow_bucket*>(flows_->bytes().data());
  const std::size_t count = std::size_t{shape_.shards} * shape_.buckets_per_shard;
  return {{buckets, count}, shape_.shards, shape_.buckets_per_shard};
}

void FlowStore::write_identities(std::uint64_t generation, const compile::BackendIds& ids) {
  datapath::write_identities(kept_->bytes(), generation, ids);
}

}  // namespace guideway::datapath
