// SPDX-License-Identifier: Apache-2.0
// An adopted NAT table with anything in it: packets, sweep, explain and the next adoption stay
// within it, and say the same of it. The input is a little program: world, then steps until it
// ends. "Bytes" are a count (8 bits) and so many pairs of an offset (8 bits) and what is XORed
// there: what stands there before is sound.
//   0x00–0x3f  plants an entry for a client (8 bits), in its nth place (8 bits); its word
//              (64 bits) is XORed as well; bytes
//   0x40–0x5f  plants a header in a plane (8 bits): whether its checksum is put right (8 bits);
//              bytes
//   0x60–0x8f  a client (8 bits) sends: TCP flags (8 bits)
//   0x90–0xaf  a backend (8 bits) answers what was planted or sent last: TCP flags (8 bits)
//   0xb0–0xbf  a router says that the last packet did not get through: kind (8 bits), bytes quoted
//              (8 bits)
//   0xc0–0xdf  time passes: seconds (16 bits); then a sweep that marks backend id (8 bits)
//   0xe0–0xff  the next daemon wants planes (8 bits), when so many elements (8 bits × 1024) were
//              stored; 0: all
#include <spdlog/spdlog.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "guideway/control/explain.h"
#include "guideway/control/sweeper.h"
#include "guideway/core/port_native.h"
// After the port header.
#include "guideway/core/nat.h"
#include "guideway/datapath/nat_store.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/require.h"
#include "tests/support/core_world.h"
#include "tests/support/plain_config.h"
#include "tests/support/router_error.h"

namespace guideway::test {
namespace {

using datapath::MemoryStore;
using datapath::NatStore;
using datapath::NatTableView;
using datapath::StoredMemory;
using datapath::StoredMemoryPtr;

constexpr std::size_t kPage = 4096;

/// Ends where a page begins that nobody may touch.
class Memory : public StoredMemory {
 public:
  explicit Memory(std::size_t bytes) : bytes_(bytes), mapped_((bytes + kPage - 1) / kPage * kPage) {
    memory_ = mmap(nullptr, mapped_ + kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(memory_ != MAP_FAILED && mprotect(memory_, mapped_, PROT_READ | PROT_WRITE) == 0,
            "there is memory");
  }
  ~Memory() override { munmap(memory_, mapped_ + kPage); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  std::span<std::byte> bytes() const override {
    return {static_cast<std::byte*>(memory_) + (mapped_ - bytes_), bytes_};
  }

 private:
  const std::size_t bytes_;
  const std::size_t mapped_;
  void* memory_ = nullptr;
};

/// What the daemons leave to each other.
class Store : public MemoryStore {
 public:
  std::string name() const override { return "memory"; }
  bool contains(const std::string&) const override { return left_ != nullptr; }
  Result<StoredMemoryPtr> open(const std::string&, std::size_t) override {
    return std::move(left_);
  }
  Result<StoredMemoryPtr> make(const std::string&, std::size_t bytes, std::size_t) override {
    return std::make_unique<Memory>(bytes);
  }
  Result<void> put(StoredMemory&, const std::string&) override { return {}; }
  void remove(const std::string&) override { left_.reset(); }

  void leave(std::span<const std::byte> bytes) {
    static constexpr gw_nat_bucket kEmpty{};
    left_ = std::make_unique<Memory>(bytes.size());
    // Most are, and then take no memory.
    for (std::size_t at = 0; at < bytes.size(); at += NatStore::kUnit) {
      if (std::memcmp(&bytes[at], &kEmpty, NatStore::kUnit) == 0) continue;
      std::memcpy(&left_->bytes()[at], &bytes[at], NatStore::kUnit);
    }
  }

 private:
  std::unique_ptr<Memory> left_;
};

const char* reason_name(std::uint32_t reason) {
  static constexpr const char* kNames[] = {
#define GW_REASON_NAME(id, verdict, name, help) name,
      GW_REASONS(GW_REASON_NAME)
#undef GW_REASON_NAME
  };
  return kNames[reason];
}

IpAddress address_in(const std::array<std::uint8_t, 16>& bytes, bool v4) {
  return v4 ? IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]}) : IpAddress::v6(bytes);
}

/// The bytes of `input` over those at `to`.
void overlay(Input& input, std::span<std::byte> to) {
  for (auto count = input.take(1); count > 0 && !input.at_end(); count--) {
    const std::size_t at = input.take(1) % to.size();
    to[at] ^= static_cast<std::byte>(input.take(1));
  }
}

class Daemon {
 public:
  explicit Daemon(const PlainConfig& config)
      : config_(config), v4_(config.outer_family == 4), model_(make_model(config)) {
    start(1);
  }

  void plant_entry(Input& input);
  void plant_header(Input& input);
  void client_sends(std::uint8_t client, std::uint8_t flags);
  void backend_answers(std::uint8_t backend, std::uint8_t flags);
  void router_complains(std::uint8_t choice, std::size_t quoted) {
    if (const auto error = router_error(last_, choice, quoted)) balance(*error);
  }
  void sweep(std::uint32_t seconds, std::uint32_t marked);
  void require_swept();
  void succeed(std::uint32_t planes, std::size_t elements) {
    const auto bytes = std::as_bytes(nat_->view().buckets);
    store_.leave(bytes.first(elements == 0 ? bytes.size()
                                           : std::min(bytes.size(), elements * NatStore::kUnit)));
    start(planes);
  }

 private:
  void start(std::uint32_t planes);
  FrameSpec spec_of(std::uint8_t client, std::uint8_t flags) const;
  gw_nat_query query_of(const FrameSpec& spec) const;
  Bytes frame_of(const FrameSpec& spec) const;
  gw_outcome balance(const Bytes& bytes);
  control::Explanation explain(const FrameSpec& spec);
  void send(const FrameSpec& spec);
  control::SweepResult walk(std::uint32_t marked);

  const PlainConfig config_;
  const bool v4_;
  const model::Model model_;
  Store store_;
  std::optional<NatStore> nat_;
  std::optional<CoreWorld> world_;
  gw_port port_{};
  std::uint32_t plane_ = 0;
  std::uint32_t now_s_ = CoreWorld::kStart_s;
  FrameSpec client_;  // that planted or sent last
  std::uint32_t place_ = GW_NAT_NO_PLACE;
  Bytes last_;  // that was sent on
};

void Daemon::start(std::uint32_t planes) {
  auto opened = NatStore::open(store_, planes, true);
  require(opened.has_value(), "there is a table, old or new");
  nat_ = std::move(*opened);
  const NatTableView view = nat_->view();
  require(view.planes >= planes && view.buckets.size() == std::size_t{view.planes} * GW_NAT_PLANE,
          "it has the planes that were wanted, or more");
  const compile::NatIds ids = nat_->ids();
  std::set<std::uint16_t> taken;
  for (const auto& [address, plane] : ids.entries())
    require(plane < view.planes && taken.insert(plane).second, "a plane has one address");
  auto made = compile::compile({.model = model_,
                                .next_hops = all_resolved(model_),
                                .hash_seed = *model_.director.hash_seed,
                                .generation = 1,
                                .ids = compile::BackendIds(64),
                                .service_ids = {},
                                .nat_ids = ids});
  require(made.has_value(), "the configuration compiles with it");
  nat_->note(*made->state);
  require(nat_->ids().entries() == made->nat_ids.entries(), "what is noted can be read");
  world_.emplace(WorldSize{.buckets_per_shard = 4, .shards = 1});
  world_->publish(std::move(made->state));
  port_ = world_->port();
  port_.nat_buckets = view.buckets.data();
  port_.nat_bucket_count = static_cast<std::uint32_t>(view.buckets.size());
  const auto& addresses = world_->state().nat_addresses;
  plane_ = 0;
  while (plane_ < addresses.size() && addresses[plane_].family == 0) plane_++;
  require(plane_ < view.planes, "its address has a plane");
}

FrameSpec Daemon::spec_of(std::uint8_t client, std::uint8_t flags) const {
  FrameSpec spec = v4_ ? FrameSpec{} : ipv6_spec();
  spec.source_port = static_cast<std::uint16_t>(40000 + (client & 3));
  if ((client & 4) != 0) spec.protocol = GW_PROTO_UDP;
  if ((client & 8) != 0) spec.destination_port = 53;
  spec.tcp_flags = flags;
  return spec;
}

gw_nat_query Daemon::query_of(const FrameSpec& spec) const {
  gw_nat_query query{};
  const std::size_t size = v4_ ? 4 : 16;
  const auto port = [](std::uint16_t value) { return std::uint32_t{gw_swap16(value)}; };
  std::memcpy(query.key.client, spec.source.data(), size);
  std::memcpy(query.key.vip, spec.destination.data(), size);
  query.key.tail = gw_nat_tail(port(spec.source_port) | port(spec.destination_port) << 16,
                               spec.protocol, v4_ ? GW_FAMILY_4 : GW_FAMILY_6);
  gw_nat_key hashed = query.key;
  if (!config_.snat) gw_nat_forget_vip(&hashed);
  query.hash = gw_nat_hash(&port_.state->hash_key, &hashed);
  query.address = plane_;
  return query;
}

void Daemon::plant_entry(Input& input) {
  client_ = spec_of(static_cast<std::uint8_t>(input.take(1)), GW_TCP_SYN);
  const gw_nat_query query = query_of(client_);
  const auto nth = static_cast<std::uint32_t>(input.take(1)) % (2 * GW_NAT_WAYS);
  place_ = gw_nat_place(gw_nat_candidate(&query, nth / GW_NAT_WAYS), nth % GW_NAT_WAYS);
  gw_nat_entry entry{};
  std::copy_n(query.key.client, 2, entry.client);
  std::copy_n(query.key.vip, 2, entry.vip);
  entry.tail = query.key.tail;
  entry.settings = gw_nat_settings(350, 0);
  entry.client_word = std::uint64_t{GW_NAT_SEEN | GW_NAT_CONFIRMED} << 32 | now_s_;
  entry.backend_word = std::uint64_t{GW_NAT_SEEN} << 32 | now_s_;
  entry.path[3] = std::uint64_t{GW_ETHERNET_LENGTH} << 16;
  gw_nat_bucket& bucket = nat_->view().buckets[place_ >> 3];
  bucket.ways.words[place_ & 7] =
      gw_nat_word(gw_hash_tag(query.hash), 0, GW_NAT_VALID, 1) ^ input.take(8);
  overlay(input, std::as_writable_bytes(std::span(&entry, 1)));
  bucket.entries[place_ & 7] = entry;
}

void Daemon::plant_header(Input& input) {
  const NatTableView view = nat_->view();
  const std::size_t plane = input.take(1) % view.planes;
  const bool seals = input.take(1) != 0;
  gw_nat_plane header{};
  std::memcpy(&header, &view.buckets[plane_ * std::size_t{GW_NAT_PLANE}], sizeof header);
  overlay(input, std::as_writable_bytes(std::span(&header, 1)));
  if (seals) {  // FNV-1a of address and family
    header.checksum = 0x811c9dc5;
    for (const std::uint8_t byte : header.address)
      header.checksum = (header.checksum ^ byte) * 0x01000193;
    header.checksum = (header.checksum ^ header.family) * 0x01000193;
  }
  std::memcpy(static_cast<void*>(&view.buckets[plane * GW_NAT_PLANE]), &header, sizeof header);
}

Bytes Daemon::frame_of(const FrameSpec& spec) const {
  Bytes frame = make_frame(spec);
  // Over IPv6 it is not optional. It need not be right.
  if (!v4_ && spec.protocol == GW_PROTO_UDP)
    frame[GW_ETHERNET_LENGTH + GW_IPV6_LENGTH + GW_UDP_CHECKSUM] = 1;
  return frame;
}

gw_outcome Daemon::balance(const Bytes& bytes) {
  Frame frame(bytes);
  const gw_outcome outcome = gw_balance(&port_, frame.packet(), now_s_);
  require(frame.is_inside_buffer(), "the frame stays in its buffer");
  require(outcome.reason < GW_REASON_COUNT, "there is a reason");
  if (outcome.verdict == GW_KERNEL) require(frame.bytes() == bytes, "the kernel gets what came in");
  if (outcome.verdict == GW_FORWARD) last_ = frame.bytes();
  return outcome;
}

control::Explanation Daemon::explain(const FrameSpec& spec) {
  control::ExplainQuery query;
  query.source = address_in(spec.source, v4_);
  query.destination = address_in(spec.destination, v4_);
  query.source_port = spec.source_port;
  query.destination_port = spec.destination_port;
  query.tcp = spec.protocol == GW_PROTO_TCP;
  query.syn = spec.tcp_flags == GW_TCP_SYN;
  return control::explain(query, world_->state(), {world_->buckets(), 1, 4}, now_s_, nat_->view());
}

void Daemon::send(const FrameSpec& spec) {
  const control::Explanation explained = explain(spec);
  const gw_outcome outcome = balance(frame_of(spec));
  const bool can_be_asked =
      spec.protocol == GW_PROTO_UDP || spec.tcp_flags == GW_TCP_SYN || spec.tcp_flags == GW_TCP_ACK;
  require(!can_be_asked || explained.reason == reason_name(outcome.reason),
          "explain and the packet path agree");
}

void Daemon::client_sends(std::uint8_t client, std::uint8_t flags) {
  client_ = spec_of(client, flags);
  send(client_);
  gw_nat_query query = query_of(client_);
  const std::uint32_t place = gw_nat_find(&port_, &query);
  if (place != GW_NAT_NO_PLACE) place_ = place;
}

void Daemon::backend_answers(std::uint8_t backend, std::uint8_t flags) {
  if (place_ == GW_NAT_NO_PLACE) return;
  FrameSpec spec = client_;
  spec.tcp_flags = flags;
  spec.source = {};
  spec.source_port = 6400;
  const auto number = static_cast<std::uint8_t>(11 + backend % 8);  // b11 to b18
  if (v4_)
    spec.source = {10, 0, 0, number};
  else
    spec.source = {
        0xfd, 0, 0, 0, 0, 0, 0, 0,
        0,    0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(number / 10 << 4 | number % 10)};
  spec.destination = client_.source;
  spec.destination_port = client_.source_port;
  if (config_.snat) {
    spec.destination = {};
    if (v4_)
      spec.destination = {10, 0, 0, 9};
    else
      spec.destination = {0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};
    spec.destination_port = static_cast<std::uint16_t>(gw_nat_port_of(plane_, place_));
  }
  send(spec);
}

control::SweepResult Daemon::walk(std::uint32_t marked) {
  std::vector<bool> reset(marked + 1);
  reset[marked] = true;
  control::Sweeper sweeper({world_->buckets(), 1, 4}, nat_->view());
  auto result = sweeper.step(world_->state(), reset, now_s_, sweeper.bucket_count());
  require(result.has_value(), "the sweep ends");
  return std::move(*result);
}

void Daemon::sweep(std::uint32_t seconds, std::uint32_t marked) {
  now_s_ += seconds;
  const auto result = walk(marked);
  const auto sum = [](const auto& counts) {
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  };
  require(sum(result.live) <= sum(result.held), "what lives is held");
  require(sum(result.nat_ports) == sum(result.held), "what is held has a port");
}

void Daemon::require_swept() {
  const auto first = walk(GW_NO_BACKEND);
  const auto again = walk(GW_NO_BACKEND);
  require(again.cleared == 0, "nothing is left for another sweep");
  require(first.held == again.held && first.live == again.live, "and it counts the same");
}

void run(Input input) {
  static const PlainConfig kWorlds[] = {
      {.forwarding = "nat", .toa = true},
      {.forwarding = "nat", .outer_family = 6, .toa = true},
      {.forwarding = "nat", .snat = false, .clamp_mss = true},
      {.forwarding = "nat", .outer_family = 6, .snat = false},
  };
  spdlog::set_level(spdlog::level::off);
  Daemon daemon(kWorlds[input.take(1) % std::size(kWorlds)]);
  const auto byte = [&input] { return static_cast<std::uint8_t>(input.take(1)); };
  while (!input.at_end()) {
    const std::uint64_t step = input.take(1);
    const auto bits = static_cast<std::uint32_t>(step);
    if (bits < 0x40) {
      daemon.plant_entry(input);
    } else if (bits < 0x60) {
      daemon.plant_header(input);
    } else if (bits < 0xb0) {
      const std::uint8_t who = byte();
      const std::uint8_t flags = byte();
      if (bits < 0x90)
        daemon.client_sends(who, flags);
      else
        daemon.backend_answers(who, flags);
    } else if (bits < 0xc0) {
      const std::uint8_t choice = byte();
      daemon.router_complains(choice, byte());
    } else if (bits < 0xe0) {
      const auto seconds = static_cast<std::uint32_t>(input.take(2));
      daemon.sweep(seconds, byte());
    } else {
      const std::uint32_t planes = 1 + byte() % 2U;
      daemon.succeed(planes, std::size_t{byte()} * 1024);
    }
  }
  daemon.require_swept();
}

}  // namespace
}  // namespace guideway::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  guideway::test::run(guideway::test::Input({data, size}));
  return 0;
}
