// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/nat_store.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "guideway/core/port_native.h"
// After the port header, which the core's other headers need.
#include "guideway/core/nat_table.h"

namespace guideway::datapath {
namespace {

constexpr std::size_t kPlaneBytes = NatStore::kUnit * GW_NAT_PLANE;
static_assert(sizeof(gw_nat_plane) <= NatStore::kUnit);

std::uint32_t plane_checksum(const gw_nat_plane& plane) {
  std::uint32_t sum = 0x811c9dc5;
  for (const std::uint8_t byte : plane.address) sum = (sum ^ byte) * 0x01000193;
  return (sum ^ plane.family) * 0x01000193;
}

gw_nat_plane* header_of(const NatTableView& table, std::uint32_t plane) {
  return reinterpret_cast<gw_nat_plane*>(&table.buckets[std::size_t{plane} * GW_NAT_PLANE]);
}

std::optional<IpAddress> owner_in(const gw_nat_plane& plane) {
  if (plane.magic != GW_NAT_MAGIC || plane.checksum != plane_checksum(plane)) return std::nullopt;
  std::array<std::uint8_t, 16> bytes{};
  std::copy(std::begin(plane.address), std::end(plane.address), bytes.begin());
  if (plane.family == GW_FAMILY_6) return IpAddress::v6(bytes);
  if (plane.family != GW_FAMILY_4) return std::nullopt;
  return IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]});
}

gw_nat_plane header_for(const IpAddress& address) {
  gw_nat_plane plane{};
  const auto& bytes = address.bytes();
  plane.magic = GW_NAT_MAGIC;
  plane.family = static_cast<std::uint32_t>(address.family());
  std::copy(bytes.begin(), bytes.end(), plane.address);
  plane.checksum = plane_checksum(plane);
  return plane;
}

NatTableView view_of(std::span<std::byte> bytes) {
  NatTableView view;
  view.planes = static_cast<std::uint32_t>(bytes.size() / kPlaneBytes);
  view.buckets = {reinterpret_cast<gw_nat_bucket*>(bytes.data()),
                  std::size_t{view.planes} * GW_NAT_PLANE};
  return view;
}

StoredMemoryPtr stored(MemoryStore& store) {
  auto memory = store.open(NatStore::kNat, NatStore::kUnit);
  const std::size_t bytes = memory && *memory ? (*memory)->bytes().size() : kPlaneBytes;
  if (memory && bytes >= kPlaneBytes) return std::move(*memory);
  spdlog::warn("the NAT table in {} cannot be adopted, so its flows start anew: {}", store.name(),
               memory ? std::to_string(bytes) + " bytes are too few for one address"
                      : memory.error().message);
  return nullptr;
}

}  // namespace

compile::NatIds read_nat_ids(const NatTableView& table) {
  compile::NatIds ids(table.planes);
  for (std::uint32_t plane = 0; plane < table.planes; plane++) {
    gw_nat_plane header;
    std::memcpy(&header, header_of(table, plane), sizeof header);
    if (const auto owner = owner_in(header)) {
      ids.restore(static_cast<std::uint16_t>(plane), *owner);
    } else if (header.magic != 0) {  // 0: nobody's
      spdlog::warn(
          "plane {} of the NAT table does not say whose it is, its header is damaged: it is free "
          "for any address",
          plane);
    }
  }
  return ids;
}

void write_nat_ids(const NatTableView& table, const compile::NatIds& ids) {
  std::vector<gw_nat_plane> wanted(table.planes);
  for (const auto& [address, plane] : ids.entries())
    if (plane < wanted.size()) wanted[plane] = header_for(address);
  for (std::uint32_t plane = 0; plane < table.planes; plane++) {
    gw_nat_plane* header = header_of(table, plane);
    if (std::memcmp(header, &wanted[plane], sizeof *header) == 0) continue;
    gw_nat_plane unfinished = wanted[plane];
    unfinished.magic = 0;  // until the rest is there
    std::memcpy(header, &unfinished, sizeof unfinished);
    __atomic_store_n(&header->magic, wanted[plane].magic, __ATOMIC_RELEASE);
  }
}

Result<NatStore> NatStore::open(MemoryStore& store, std::uint32_t planes, bool adopt) {
  NatStore nat;
  StoredMemoryPtr old = adopt ? stored(store) : nullptr;
  const std::uint32_t there = old ? view_of(old->bytes()).planes : 0;
  if (there != 0 && there >= planes) {
    nat.memory_ = std::move(old);
    return nat;
  }
  if (planes == 0) {
    store.remove(kNat);
    return nat;
  }
  auto memory = store.make(kNat, planes * kPlaneBytes, kUnit);
  if (!memory) return tl::unexpected(memory.error());
  if (there != 0) {
    spdlog::info("the NAT table grows from {} to {} addresses", there, planes);
    std::memcpy((*memory)->bytes().data(), old->bytes().data(), there * kPlaneBytes);
  }
  nat.memory_ = std::move(*memory);
  if (auto put = store.put(*nat.memory_, kNat); !put) return tl::unexpected(put.error());
  return nat;
}

NatTableView NatStore::view() const { return memory_ ? view_of(memory_->bytes()) : NatTableView{}; }

compile::NatIds NatStore::ids() const { return read_nat_ids(view()); }

void NatStore::note(const compile::ForwardingState& state) { write_nat_ids(view(), state.nat_ids); }

}  // namespace guideway::datapath
