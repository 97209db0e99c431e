// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/flow_table_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "guideway/base/round_up.h"

namespace guideway::datapath::dpdk {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

void* map(std::size_t bytes, int extra_flags) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | extra_flags, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

}  // namespace

Result<FlowTableMemory> FlowTableMemory::make(std::uint32_t flows, std::uint32_t shards) {
  FlowTableMemory table;
  table.shards_ = shards;
  table.buckets_per_shard_ = flow_shape_for(flows, shards).buckets_per_shard;
  const std::size_t needed =
      std::size_t{table.buckets_per_shard_} * shards * sizeof(gw_flow_bucket);
  table.bytes_ = base::round_up(needed, kHugePage);
  table.memory_ = map(table.bytes_, MAP_HUGETLB | (21 << MAP_HUGE_SHIFT));
  table.on_huge_pages_ = table.memory_ != nullptr;
  if (!table.memory_) table.memory_ = map(table.bytes_, 0);
  if (!table.memory_) {
    return base::fail_errno("no memory for a flow table of " + std::to_string(flows) +
                                " flows; lower capacity.flows or add memory",
                            errno);
  }
  // The next best thing; refusal is fine.
  if (!table.on_huge_pages_) madvise(table.memory_, table.bytes_, MADV_HUGEPAGE);
  return table;
}

FlowTableMemory::FlowTableMemory(FlowTableMemory&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)),
      bytes_(other.bytes_),
      shards_(other.shards_),
      buckets_per_shard_(other.buckets_per_shard_),
      on_huge_pages_(other.on_huge_pages_) {}

FlowTableMemory::~FlowTableMemory() {
  if (memory_) munmap(memory_, bytes_);
}

FlowTableView FlowTableMemory::view() const {
  auto* buckets = static_cast<gw_flow_bucket*>(memory_);
  const std::size_t count = std::size_t{buckets_per_shard_} * shards_;
  return {{buckets, count}, shards_, buckets_per_shard_};
}

}  // namespace guideway::datapath::dpdk
