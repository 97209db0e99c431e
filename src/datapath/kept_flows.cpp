// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/kept_flows.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "guideway/core/layout.h"

namespace guideway::datapath {
namespace {

constexpr std::uint64_t kMagic = 0x31776f6c66777467;  // "gtwflow1"
constexpr std::uint32_t kMostBuckets = 1U << 28;      // 16 GiB
/// No director gets there, and those that follow an adopted one still have room.
constexpr std::uint64_t kMostGenerations = std::uint64_t{1} << 62;
constexpr std::size_t kNameSize = 64;  // names have at most 63 characters

using Name = std::array<char, kNameSize>;

struct Fixed {
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t shards;
  std::uint32_t buckets_per_shard;
  std::uint32_t backends;
  std::array<std::uint8_t, 16> hash_seed;
  Name director;
  std::uint64_t checksum;  // of all before
};
static_assert(sizeof(Fixed) == 112);

struct CopyHead {
  std::uint64_t generation;  // 0: never written
  std::uint64_t checksum;    // of generation, count and the records
  std::uint32_t count;
  std::uint32_t reserved;
};
static_assert(sizeof(CopyHead) == 24);

enum IdentityFlags : std::uint8_t { kRemoved = 1, kHasVxlan = 2, kHasSource = 4, kHasGreKey = 8 };

struct Identity {
  Name pool;
  Name name;
  std::array<std::uint8_t, 16> address;
  std::array<std::uint8_t, 16> source;
  std::uint32_t network;  // VXLAN's identifier, or GRE's key
  std::uint16_t id;
  std::uint16_t port;
  std::uint16_t tunnel_port;  // of VXLAN and GUE
  std::uint16_t sweep_timeout_s;
  std::array<std::uint8_t, 6> inner_mac;
  std::uint8_t family;         // 4 or 6
  std::uint8_t source_family;  // 4 or 6, with kHasSource
  std::uint8_t forwarding;
  std::uint8_t flags;
  std::array<std::uint8_t, 6> reserved;
};
static_assert(sizeof(Identity) == 188);

// Names are stored as they are, so the memory may hold no pointer, and is read by memcpy only: the
// mapping's alignment is not ours to promise.

std::uint64_t checksum(std::span<const std::byte> bytes) {
  // FNV-1a: against accidents, not against forgery; the pins' owner and mode are for that.
  std::uint64_t sum = 0xcbf29ce484222325;
  for (std::byte byte : bytes) sum = (sum ^ static_cast<std::uint8_t>(byte)) * 0x100000001b3;
  return sum;
}

template <typename T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

template <typename T>
T read_at(std::span<const std::byte> memory, std::size_t offset) {
  T value;
  std::memcpy(&value, memory.data() + offset, sizeof value);
  return value;
}

std::size_t copy_bytes(std::uint32_t backends) {
  return sizeof(CopyHead) + std::size_t{backends} * sizeof(Identity);
}
std::size_t copy_offset(std::uint32_t backends, unsigned copy) {
  return sizeof(Fixed) + copy * copy_bytes(backends);
}

std::uint64_t copy_checksum(const CopyHead& head, std::span<const std::byte> records) {
  const std::uint64_t parts[2] = {
      checksum(bytes_of(head.generation)) ^ checksum(bytes_of(head.count)), checksum(records)};
  return checksum(std::as_bytes(std::span(parts)));
}

std::uint64_t fixed_checksum(const Fixed& fixed) {
  return checksum(bytes_of(fixed).first(offsetof(Fixed, checksum)));
}

Name to_name(const std::string& text) {
  Name name{};
  text.copy(name.data(), kNameSize - 1);
  return name;
}

/// None unless it is a terminated, non-empty word of the characters that names have.
std::optional<std::string> from_name(const Name& name) {
  const auto end = std::find(name.begin(), name.end(), '\0');
  if (end == name.begin() || end == name.end()) return std::nullopt;
  std::string text(name.begin(), end);
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  if (!std::all_of(text.begin(), text.end(), allowed)) return std::nullopt;
  return text;
}

std::optional<IpAddress> to_address(std::uint8_t family,
                                    const std::array<std::uint8_t, 16>& bytes) {
  if (family == 6) return IpAddress::v6(bytes);
  if (family != 4) return std::nullopt;
  return IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]});
}

Identity to_identity(std::uint16_t id, const compile::BackendIds::Entry& entry) {
  Identity identity{};
  identity.pool = to_name(entry.key.pool);
  identity.name = to_name(entry.name);
  identity.id = id;
  identity.address = entry.key.address.bytes();
  identity.family = static_cast<std::uint8_t>(entry.key.address.family());
  identity.port = entry.key.port;
  identity.sweep_timeout_s = entry.sweep_timeout_s;
  identity.forwarding = static_cast<std::uint8_t>(entry.forwarding);
  if (entry.removed) identity.flags |= kRemoved;
  if (entry.vxlan) {
    identity.flags |= kHasVxlan;
    identity.network = entry.vxlan->vni;
    identity.tunnel_port = entry.vxlan->port;
    identity.inner_mac = entry.vxlan->inner_mac.bytes;
  }
  if (entry.gre && entry.gre->key) {
    identity.flags |= kHasGreKey;
    identity.network = *entry.gre->key;
  }
  if (entry.gue) identity.tunnel_port = entry.gue->port;
  if (entry.source) {
    identity.flags |= kHasSource;
    identity.source = entry.source->bytes();
    identity.source_family = static_cast<std::uint8_t>(entry.source->family());
  }
  return identity;
}

/// What the tunnel's header says of itself. False when a field is out of range, or another mode's.
bool read_tunnel(const Identity& identity, compile::BackendIds::Entry& entry) {
  const bool is_vxlan = entry.forwarding == model::Forwarding::kVxlan;
  const bool is_gre = entry.forwarding == model::Forwarding::kGre;
  const bool has_key = (identity.flags & kHasGreKey) != 0;
  if (is_vxlan != ((identity.flags & kHasVxlan) != 0) || (has_key && !is_gre)) return false;
  if (is_vxlan) {
    if (identity.network >= 1U << 24 || identity.tunnel_port == 0) return false;
    entry.vxlan = model::Vxlan{identity.network, identity.tunnel_port, Mac{identity.inner_mac}};
  }
  if (has_key) entry.gre = model::Gre{identity.network};
  // 0: the pool says nothing, which is the default.
  if (entry.forwarding == model::Forwarding::kGue && identity.tunnel_port != 0)
    entry.gue = model::Gue{identity.tunnel_port};
  return true;
}

bool is_forwarding(std::uint8_t number) {
  switch (static_cast<model::Forwarding>(number)) {
    case model::Forwarding::kL2Dsr:
    case model::Forwarding::kIpip:
    case model::Forwarding::kVxlan:
    case model::Forwarding::kGre:
    case model::Forwarding::kGue:
    case model::Forwarding::kNat:
      return true;
  }
  return false;
}

/// None when a field is out of range.
std::optional<compile::BackendIds::Entry> to_entry(const Identity& identity) {
  compile::BackendIds::Entry entry;
  auto pool = from_name(identity.pool);
  auto name = from_name(identity.name);
  auto address = to_address(identity.family, identity.address);
  if (!pool || !name || !address) return std::nullopt;
  if (!is_forwarding(identity.forwarding)) return std::nullopt;
  if (identity.id == GW_NO_BACKEND) return std::nullopt;
  if (identity.sweep_timeout_s > GW_MAX_IDLE_TIMEOUT_S) return std::nullopt;
  entry.key = {std::move(*pool), *address, identity.port};
  entry.name = std::move(*name);
  entry.removed = (identity.flags & kRemoved) != 0;
  entry.forwarding = static_cast<model::Forwarding>(identity.forwarding);
  entry.sweep_timeout_s = identity.sweep_timeout_s;
  if (!read_tunnel(identity, entry)) return std::nullopt;
  if ((identity.flags & kHasSource) != 0) {
    entry.source = to_address(identity.source_family, identity.source);
    if (!entry.source || entry.source->family() != address->family()) return std::nullopt;
  }
  return entry;
}

Result<Fixed> read_fixed(std::span<const std::byte> memory, const std::string& director) {
  if (memory.size() < sizeof(Fixed)) return base::fail("it is too short to be a flow table's");
  const auto fixed = read_at<Fixed>(memory, 0);
  if (fixed.magic != kMagic) return base::fail("it is not a Guideway flow table");
  if (fixed.version != kKeptFlowsVersion) {
    return base::fail("it has version " + std::to_string(fixed.version) + ", this program reads " +
                      std::to_string(kKeptFlowsVersion));
  }
  if (fixed.checksum != fixed_checksum(fixed)) return base::fail("its checksum is wrong");
  const auto name = from_name(fixed.director);
  if (!name || *name != director) return base::fail("it belongs to another director");
  if (fixed.shards == 0 || fixed.shards > GW_MAX_SHARDS || fixed.buckets_per_shard == 0 ||
      std::uint64_t{fixed.shards} * fixed.buckets_per_shard > kMostBuckets ||
      fixed.backends > GW_NO_BACKEND) {
    return base::fail("its sizes are out of range");
  }
  if (memory.size() < kept_flows_bytes(fixed.backends)) return base::fail("it is cut short");
  return fixed;
}

/// The head of a copy that is whole.
std::optional<CopyHead> whole_copy(std::span<const std::byte> memory, std::uint32_t backends,
                                   unsigned copy) {
  const std::size_t offset = copy_offset(backends, copy);
  const auto head = read_at<CopyHead>(memory, offset);
  if (head.generation == 0 || head.count > backends) return std::nullopt;
  const auto records = memory.subspan(offset + sizeof head, head.count * sizeof(Identity));
  if (copy_checksum(head, records) != head.checksum) return std::nullopt;
  return head;
}

std::uint64_t generation_of(std::span<const std::byte> memory, std::uint32_t backends,
                            unsigned copy) {
  return read_at<CopyHead>(memory, copy_offset(backends, copy)).generation;
}

/// The number of the newer whole copy; none when neither is. A failover waits for this: the newer
/// one is looked at first, and the other only if it must be.
std::optional<unsigned> newest_copy(std::span<const std::byte> memory, std::uint32_t backends) {
  const unsigned newer =
      generation_of(memory, backends, 1) > generation_of(memory, backends, 0) ? 1 : 0;
  for (const unsigned copy : {newer, 1 - newer})
    if (whole_copy(memory, backends, copy)) return copy;
  return std::nullopt;
}

bool never_written(std::span<const std::byte> memory, std::uint32_t backends) {
  for (unsigned copy = 0; copy < 2; copy++)
    if (generation_of(memory, backends, copy) != 0) return false;
  return true;
}

Result<void> read_identities(std::span<const std::byte> memory, std::uint32_t backends,
                             unsigned copy, KeptFlows& kept) {
  std::size_t offset = copy_offset(backends, copy);
  const auto head = read_at<CopyHead>(memory, offset);
  if (head.generation > kMostGenerations) return base::fail("its generation is out of range");
  offset += sizeof head;
  for (std::uint32_t i = 0; i < head.count; i++, offset += sizeof(Identity)) {
    const auto identity = read_at<Identity>(memory, offset);
    auto entry = to_entry(identity);
    if (!entry) return base::fail("record " + std::to_string(i) + " is damaged");
    const std::string id = "backend id " + std::to_string(identity.id);
    if (identity.id >= kept.ids.capacity()) return base::fail(id + " is above capacity.backends");
    if (kept.ids.entries().contains(identity.id)) return base::fail(id + " stands there twice");
    if (!kept.ids.restore(identity.id, std::move(*entry)))
      return base::fail(id + " is for a backend that has another id, too");
  }
  kept.generation = head.generation;
  return {};
}

}  // namespace

FlowShape flow_shape_for(std::uint64_t flows, std::uint32_t shards) {
  const std::uint64_t words = flows * 100 / kFlowLoadPercent;
  const std::uint64_t per_shard = std::uint64_t{shards} * GW_FLOW_WAYS;
  const std::uint64_t buckets = (words + per_shard - 1) / per_shard;
  return {shards, static_cast<std::uint32_t>(std::max<std::uint64_t>(1, buckets))};
}

std::size_t kept_flows_bytes(std::uint32_t backends) {
  return sizeof(Fixed) + 2 * copy_bytes(backends);
}

void format_kept_flows(std::span<std::byte> memory, const std::string& director, FlowShape shape,
                       const model::HashSeed& seed, std::uint32_t backends) {
  std::fill_n(memory.begin(), kept_flows_bytes(backends), std::byte{0});
  Fixed fixed{};
  fixed.magic = kMagic;
  fixed.version = kKeptFlowsVersion;
  fixed.shards = shape.shards;
  fixed.buckets_per_shard = shape.buckets_per_shard;
  fixed.backends = backends;
  fixed.hash_seed = seed;
  fixed.director = to_name(director);
  fixed.checksum = fixed_checksum(fixed);
  std::memcpy(memory.data(), &fixed, sizeof fixed);
}

void write_identities(std::span<std::byte> memory, std::uint64_t generation,
                      const compile::BackendIds& ids) {
  const auto fixed = read_at<Fixed>(memory, 0);
  const unsigned copy = newest_copy(memory, fixed.backends).value_or(1) == 0 ? 1 : 0;
  const std::size_t offset = copy_offset(fixed.backends, copy);
  CopyHead head{};
  // Not whole from here on, until its head is written.
  std::memcpy(memory.data() + offset, &head, sizeof head);
  std::size_t at = offset + sizeof head;
  for (const auto& [id, entry] : ids.entries()) {
    const Identity identity = to_identity(id, entry);
    std::memcpy(memory.data() + at, &identity, sizeof identity);
    at += sizeof identity;
    head.count++;
  }
  head.generation = generation;
  head.checksum = copy_checksum(
      head, memory.subspan(offset + sizeof head, std::size_t{head.count} * sizeof(Identity)));
  std::memcpy(memory.data() + offset, &head, sizeof head);
}

Result<KeptFlows> read_kept_flows(std::span<const std::byte> memory, const std::string& director,
                                  std::uint32_t capacity) {
  const std::vector<std::byte> own(memory.begin(), memory.end());
  auto fixed = read_fixed(own, director);
  if (!fixed) return tl::unexpected(fixed.error());
  KeptFlows kept;
  kept.director = director;
  kept.shape = {fixed->shards, fixed->buckets_per_shard};
  kept.hash_seed = fixed->hash_seed;
  kept.ids = compile::BackendIds(capacity);
  const auto copy = newest_copy(own, fixed->backends);
  if (copy) {
    if (auto read = read_identities(own, fixed->backends, *copy, kept); !read)
      return tl::unexpected(read.error());
  } else if (!never_written(own, fixed->backends)) {
    return base::fail("both copies of its backend ids are damaged");
  }
  return kept;
}

}  // namespace guideway::datapath
