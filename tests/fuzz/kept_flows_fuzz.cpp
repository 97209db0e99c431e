// SPDX-License-Identifier: Apache-2.0
// read_kept_flows() on any bytes: whatever it takes is in range, and is what the next daemon would
// write down again. The input:
//   byte 0   bit 0: put right checksums over the bytes; bit 1: magic, version and director, too;
//            bits 2 and 3: the capacity
//   then     the memory
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "guideway/core/layout.h"
#include "guideway/datapath/kept_flows.h"
#include "tests/fuzz/require.h"
#include "tests/support/kept_flows_layout.h"

namespace guideway::test {
namespace {

using compile::BackendIds;
using datapath::KeptFlows;

constexpr const char* kDirector = "lb1";
constexpr std::uint8_t kSeal = 1;
constexpr std::uint8_t kName = 2;
constexpr std::uint32_t kCapacities[] = {8, 1, 16, GW_NO_BACKEND};
/// Fields before the shape, and the director's name, come from here.
const std::vector<std::byte>& good() {
  static const std::vector<std::byte> bytes = [] {
    std::vector<std::byte> memory(datapath::kept_flows_bytes(0));
    datapath::format_kept_flows(memory, kDirector, {1, 1}, {}, 0);
    return memory;
  }();
  return bytes;
}

void require_name(const std::string& name) {
  require(!name.empty() && name.size() < kNameBytes, "a name has 1 to 63 characters");
  for (const char c : name)
    require(c > ' ' && c < 0x7f && c != '/' && c != '"' && c != '%', "a name is harmless");
}

void require_entry(const BackendIds::Entry& entry) {
  require_name(entry.key.pool);
  require_name(entry.name);
  require(entry.sweep_timeout_s <= GW_MAX_IDLE_TIMEOUT_S, "the timeout is in range");
  require(entry.forwarding <= model::Forwarding::kNat, "the forwarding mode exists");
  require((entry.forwarding == model::Forwarding::kVxlan) == entry.vxlan.has_value(),
          "VXLAN has its parameters, and nothing else has");
  require(!entry.gre || entry.forwarding == model::Forwarding::kGre, "a GRE key is GRE's");
  require(!entry.gue || entry.forwarding == model::Forwarding::kGue, "a GUE port is GUE's");
  if (entry.vxlan)
    require(entry.vxlan->vni < 1U << 24 && entry.vxlan->port != 0, "VXLAN's are in range");
  if (entry.source)
    require(entry.source->family() == entry.key.address.family(), "an outer header has one family");
}

void require_in_range(const KeptFlows& kept, std::uint32_t capacity) {
  require(kept.director == kDirector, "it is this director's");
  require(kept.shape.shards >= 1 && kept.shape.shards <= GW_MAX_SHARDS, "the shards are in range");
  require(kept.shape.buckets_per_shard >= 1, "a shard has a bucket");
  require(std::uint64_t{kept.shape.shards} * kept.shape.buckets_per_shard <= 1U << 28,
          "the table's size is in range");
  require(kept.generation + 1 > kept.generation, "there is a generation after it");
  require(kept.ids.capacity() == capacity, "the capacity is the present one");
  std::set<compile::BackendKey> keys;
  for (const auto& [id, entry] : kept.ids.entries()) {
    require(id < capacity, "ids are below the capacity");
    require(keys.insert(entry.key).second, "a backend has one id");
    require_entry(entry);
  }
}

/// As FlowStore::adopt() does.
void require_again(const KeptFlows& kept, std::uint32_t capacity) {
  std::vector<std::byte> memory(datapath::kept_flows_bytes(capacity));
  datapath::format_kept_flows(memory, kDirector, kept.shape, kept.hash_seed, capacity);
  if (kept.generation != 0) datapath::write_identities(memory, kept.generation, kept.ids);
  const auto again = datapath::read_kept_flows(memory, kDirector, capacity);
  require(again.has_value(), "what was written down again can be read");
  require(again->shape == kept.shape && again->hash_seed == kept.hash_seed &&
              again->generation == kept.generation,
          "what was written down again is the same");
  std::vector<std::byte> twice(memory.size());
  datapath::format_kept_flows(twice, kDirector, again->shape, again->hash_seed, capacity);
  if (again->generation != 0) datapath::write_identities(twice, again->generation, again->ids);
  require(memory == twice, "and to the byte");
}

void run(std::span<const std::uint8_t> input) {
  if (input.empty()) return;
  const std::uint8_t mode = input[0];
  const std::uint32_t capacity = kCapacities[(mode >> 2) % std::size(kCapacities)];
  // Exactly as large as what is read, so that a read past its end is seen.
  const std::size_t size = input.size() - 1;
  const auto exact = std::make_unique<std::byte[]>(size);
  const std::span<std::byte> memory(exact.get(), size);
  for (std::size_t i = 0; i < size; ++i) memory[i] = std::byte{input[i + 1]};
  if ((mode & kName) != 0 && size >= kFixedBytes) {
    std::copy_n(good().begin(), kShardsAt, memory.begin());
    std::copy_n(good().begin() + kDirectorAt, kNameBytes, memory.begin() + kDirectorAt);
  }
  if ((mode & kSeal) != 0) seal(memory);
  const auto kept = datapath::read_kept_flows(memory, kDirector, capacity);
  if (!kept) {
    require(!kept.error().message.empty(), "a refusal has a reason");
    return;
  }
  require_in_range(*kept, capacity);
  if (capacity <= 16) require_again(*kept, capacity);
}

}  // namespace
}  // namespace guideway::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  guideway::test::run({data, size});
  return 0;
}
