// SPDX-License-Identifier: Apache-2.0
// FlowTableMemory: the zeroed memory of all shards' flow tables, on huge pages if there are any.
// Threading: immutable after make(); the words are shared as core/layout.h says.
#ifndef GUIDEWAY_DATAPATH_DPDK_FLOW_TABLE_MEMORY_H_
#define GUIDEWAY_DATAPATH_DPDK_FLOW_TABLE_MEMORY_H_

#include <cstddef>
#include <cstdint>

#include "guideway/base/result.h"
#include "guideway/datapath/datapath.h"

namespace guideway::datapath::dpdk {

class FlowTableMemory {
 public:
  /// Room for `flows` flows in `shards` shards, as flow_shape_for() says. Errors: no memory.
  static Result<FlowTableMemory> make(std::uint32_t flows, std::uint32_t shards);
  ~FlowTableMemory();
  FlowTableMemory(FlowTableMemory&& other) noexcept;
  FlowTableMemory& operator=(FlowTableMemory&&) = delete;

  FlowTableView view() const;
  bool on_huge_pages() const { return on_huge_pages_; }

 private:
  FlowTableMemory() = default;

  void* memory_ = nullptr;
  std::size_t bytes_ = 0;
  std::uint32_t shards_ = 0;
  std::uint32_t buckets_per_shard_ = 0;
  bool on_huge_pages_ = false;
};

}  // namespace guideway::datapath::dpdk

#endif  // GUIDEWAY_DATAPATH_DPDK_FLOW_TABLE_MEMORY_H_
