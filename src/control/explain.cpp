// SPDX-License-Identifier: Apache-2.0
#include "guideway/control/explain.h"

#include <array>
#include <cstring>

#include "guideway/core/port_native.h"
// The port comes first.
#include "guideway/core/balance.h"

namespace guideway::control {
namespace {

constexpr std::size_t kHeadroom = 256;
constexpr std::uint8_t kTtl = 64;

const char* reason_name(enum gw_reason reason) {
  static constexpr const char* kNames[] = {
#define GW_REASON_NAME(id, verdict, name, help) name,
      GW_REASONS(GW_REASON_NAME)
#undef GW_REASON_NAME
  };
  return reason < GW_REASON_COUNT ? kNames[reason] : "";
}

const char* reason_help(enum gw_reason reason) {
  static constexpr const char* kHelp[] = {
#define GW_REASON_HELP(id, verdict, name, help) help,
      GW_REASONS(GW_REASON_HELP)
#undef GW_REASON_HELP
  };
  return reason < GW_REASON_COUNT ? kHelp[reason] : "";
}

const char* verdict_name(enum gw_verdict verdict) {
  static constexpr const char* kNames[] = {"forward", "reply", "kernel", "drop"};
  return verdict < GW_VERDICT_COUNT ? kNames[verdict] : "";
}

/// A frame in a buffer of its own, with room to grow.
class Frame {
 public:
  explicit Frame(const ExplainQuery& query) {
    std::uint8_t* c = start();
    c[0] = 0x02;  // unicast, locally administered; which one does not matter
    const bool v4 = query.destination.is_v4();
    put16(c + 12, v4 ? GW_ETHERTYPE_IPV4 : GW_ETHERTYPE_IPV6);
    c += GW_ETHERNET_LENGTH;
    const std::uint16_t l4 = query.tcp ? GW_TCP_LENGTH : GW_UDP_LENGTH;
    const std::uint8_t protocol = query.tcp ? GW_PROTO_TCP : GW_PROTO_UDP;
    c = v4 ? put_ipv4(c, query, protocol, l4) : put_ipv6(c, query, protocol, l4);
    put16(c, query.source_port);
    put16(c + 2, query.destination_port);
    if (query.tcp) {
      c[12] = 5 << 4;
      c[13] = query.syn ? GW_TCP_SYN : GW_TCP_ACK;
    } else {
      put16(c + 4, l4);
    }
    packet_ = {start(), c + l4, bytes_.data(), bytes_.data() + bytes_.size(), 0};
  }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  gw_packet* packet() { return &packet_; }
  /// What stands before the last `inner` bytes.
  std::vector<std::uint8_t> header(std::size_t inner) const {
    return {packet_.data, packet_.end - inner};
  }

 private:
  std::uint8_t* start() { return bytes_.data() + kHeadroom; }

  static void put16(std::uint8_t* to, unsigned value) {
    to[0] = static_cast<std::uint8_t>(value >> 8);
    to[1] = static_cast<std::uint8_t>(value);
  }

  static std::uint8_t* put_ipv4(std::uint8_t* c, const ExplainQuery& query, std::uint8_t protocol,
                                std::uint16_t l4) {
    c[0] = 0x45;
    put16(c + 2, GW_IPV4_LENGTH + l4);
    c[8] = kTtl;
    c[9] = protocol;
    std::memcpy(c + 12, query.source.bytes().data(), 4);
    std::memcpy(c + 16, query.destination.bytes().data(), 4);
    return c + GW_IPV4_LENGTH;
  }

  static std::uint8_t* put_ipv6(std::uint8_t* c, const ExplainQuery& query, std::uint8_t protocol,
                                std::uint16_t l4) {
    c[0] = 0x60;
    put16(c + 4, l4);
    c[6] = protocol;
    c[7] = kTtl;
    std::memcpy(c + 8, query.source.bytes().data(), 16);
    std::memcpy(c + 24, query.destination.bytes().data(), 16);
    return c + GW_IPV6_LENGTH;
  }

  std::array<std::uint8_t, 512> bytes_{};
  gw_packet packet_{};
};

/// The core's view of what it reaches, with counters that nobody reads.
class View {
 public:
  View(const compile::ForwardingState& state, const datapath::FlowTableView& flows,
       const datapath::NatTableView& nat) {
    port_.state = &state.header;
    port_.services = state.services.data();
    port_.pools = state.pools.data();
    port_.slots = state.slots.data();
    port_.backends = state.backends.data();
    port_.buckets = flows.buckets.data();
    port_.buckets_per_shard = flows.buckets_per_shard;
    port_.shard_count = flows.shard_count;
    port_.nat_addresses = state.nat_addresses.data();
    port_.nat_buckets = nat.buckets.data();
    port_.nat_bucket_count = static_cast<std::uint32_t>(nat.buckets.size());
    port_.counters = &counters_;
  }
  View(const View&) = delete;
  View& operator=(const View&) = delete;

  gw_port* port() { return &port_; }

 private:
  gw_counters counters_{};
  gw_port port_{};
};

class Explainer {
 public:
  Explainer(const ExplainQuery& query, const compile::ForwardingState& state,
            const datapath::FlowTableView& flows, const datapath::NatTableView& nat,
            std::uint32_t now_s)
      : state_(state), view_(state, flows, nat), frame_(query), now_s_(now_s) {}

  Explanation run() {
    const enum gw_reason reason = gw_classify(view_.port(), frame_.packet(), &work_);
    if (work_.service != nullptr) name_service();
    if (reason == GW_REASON_NO_SERVICE && gw_may_be_returned(view_.port(), reason))
      conclude(go_on_to_own_client());
    else if (reason != GW_GO_ON)
      conclude(reason);
    else if ((work_.service->flags & GW_SERVICE_NAT_RETURN) != 0)
      conclude(go_on_to_client());
    else
      conclude((work_.service->flags & GW_SERVICE_NAT) != 0 ? go_on_by_nat() : go_on());
    return std::move(result_);
  }

 private:
  void name_service() {
    const std::size_t id = work_.service->id;
    if (id >= state_.service_info.size()) return;
    result_.service = state_.service_info[id].name;
    result_.pool = state_.service_info[id].pool;
  }

  /// Whichever shard has the flow: after classify, with work_ of that shard.
  enum gw_flow_use find() {
    gw_port* port = view_.port();
    for (port->shard = 0; port->shard < port->shard_count; port->shard++) {
      if (gw_locate_flow(port, &work_) != GW_GO_ON) break;
      work_.match = 0;
      const enum gw_flow_use use = gw_find_flow(port, &work_, now_s_);
      has_room_ = has_room_ || gw_has_room(&work_) != 0;
      if (use == GW_FLOW_USE_MISS) continue;
      result_.shard = port->shard;
      return use;
    }
    port->shard = 0;
    return GW_FLOW_USE_MISS;
  }

  enum gw_reason go_on() {
    const enum gw_flow_use use = find();
    result_.hash = work_.hash;
    if (use == GW_FLOW_USE_RESET) {
      result_.flow = "reset";
      result_.why = "its backend's flows start anew: it is answered by a TCP reset";
      return GW_REASON_RESET_SENT;
    }
    if (use == GW_FLOW_USE_HIT) {
      result_.flow = "hit";
      result_.why = "its flow is in the flow table";
    } else {
      result_.flow = "miss";
      if (gw_is_from_itself(&work_) != 0) return GW_REASON_BAD_SOURCE;
      if (has_room_ && goes_by_turn()) {
        result_.why = "a new flow: the pool's scheduler gives it to whose turn it is then";
        return GW_REASON_FORWARDED;
      }
      if (const enum gw_reason reason = gw_pick_slot(view_.port(), &work_); reason != GW_GO_ON)
        return reason;
      result_.slot = gw_hash_slot(work_.hash, view_.port()->pools[work_.service->pool].slot_count);
      result_.why = "its flow is in no flow table, so it goes by its slot";
    }
    name_backend();
    const std::uint32_t inner = work_.ip_length;
    const enum gw_reason reason = gw_rewrite(frame_.packet(), &work_);
    if (reason == GW_GO_ON) result_.header = frame_.header(inner);
    return reason;
  }

  /// gw_nat_from_client() without what it writes.
  enum gw_reason go_on_by_nat() {
    gw_nat_scratch scratch{};
    const gw_port* port = view_.port();
    gw_nat_query& query = scratch.query;
    result_.hash = work_.hash;
    gw_nat_ask(port, &work_, work_.service, &scratch, now_s_);
    const std::uint32_t place = gw_nat_find_of_client(port, &work_, work_.service, &query);
    enum gw_flow_use use = GW_FLOW_USE_MISS;
    if (place != GW_NAT_NO_PLACE) {
      const gw_nat_entry& entry = gw_port_nat_bucket(port, place >> 3)->entries[place & 7];
      use = gw_nat_use(port, &work_, work_.service, &entry, query.word, now_s_);
    }
    if (use == GW_FLOW_USE_RESET) {
      result_.flow = "reset";
      result_.why = "its backend's flows start anew: it is answered by a TCP reset";
      return GW_REASON_RESET_SENT;
    }
    query.place = place;
    if (use == GW_FLOW_USE_MISS) return go_on_with_new_nat(scratch);
    result_.flow = "hit";
    result_.why = "its flow is in the NAT table";
    if (!keeps_client())
      result_.why += ", as " + nat_address(query.address) + " port " +
                     std::to_string(gw_nat_port_of(query.address, place));
    work_.backend = static_cast<std::uint16_t>(gw_nat_backend(query.word));
    return write_nat(scratch, place);
  }

  enum gw_reason go_on_with_new_nat(gw_nat_scratch& scratch) {
    const gw_nat_query& query = scratch.query;
    result_.flow = "miss";
    const enum gw_reason reason = gw_nat_admit(frame_.packet(), &work_);
    if (reason != GW_GO_ON) return reason;
    result_.why = keeps_client() ? "a new flow: it keeps the client's address and port"
                                 : "a new flow: it gets a port of " + nat_address(query.address);
    std::uint64_t score = 0;
    const bool has_place = query.place != GW_NAT_NO_PLACE ||
                           gw_nat_choose(view_.port(), &query, &score) != GW_NAT_NO_PLACE;
    if (goes_by_turn()) {
      result_.why += ", and the backend whose turn it is then";
      return has_place ? GW_REASON_FORWARDED : GW_REASON_NAT_NO_PORT;
    }
    const gw_pool* pool = gw_port_pool(view_.port(), work_.service->pool);
    work_.backend =
        static_cast<std::uint16_t>(gw_slot_backend(view_.port(), work_.service->pool, work_.hash));
    if (pool == nullptr || work_.backend == GW_NO_BACKEND) return GW_REASON_NO_BACKEND;
    scratch.start.backend = work_.backend;
    const bool is_ambiguous = keeps_client() && gw_nat_is_ambiguous(view_.port(), &scratch) != 0;
    if (is_ambiguous || !has_place) return GW_REASON_NAT_NO_PORT;
    result_.slot = gw_hash_slot(work_.hash, pool->slot_count);
    return write_nat(scratch, gw_nat_place_of(query.address, GW_NAT_FIRST_PORT));
  }

  enum gw_reason write_nat(gw_nat_scratch& scratch, std::uint32_t place) {
    name_backend();
    const gw_backend* record = gw_nat_record(view_.port(), work_.backend);
    if (record == nullptr) return GW_REASON_BAD_TABLE;
    enum gw_reason reason =
        gw_nat_to_backend(view_.port(), &work_, record, scratch.query.address, place, &scratch.to);
    if (reason == GW_GO_ON) reason = gw_nat_write(frame_.packet(), &work_, &scratch.to);
    if (reason != GW_GO_ON) return reason;
    result_.header = frame_.header(work_.ip_length);
    scratch.query.place = place;
    if ((work_.service->flags & GW_SERVICE_TOA) != 0) add_toa(*record, scratch);
    return GW_GO_ON;
  }

  /// What gw_translate() adds, if it does.
  void add_toa(const gw_backend& record, const gw_nat_scratch& scratch) {
    const std::uint32_t at = gw_nat_plan_toa(view_.port(), &work_, &record, &scratch);
    if (at == 0 || gw_add_toa(frame_.packet(), &work_, at) == 0) return;
    const std::uint8_t* option =
        frame_.packet()->data + at + (work_.l4_offset - work_.l3_offset) + GW_TCP_LENGTH;
    result_.tcp_option.assign(option, option + gw_toa_length(work_.family));
  }

  /// gw_nat_from_backend() without what it writes.
  enum gw_reason go_on_to_client() {
    gw_nat_rewrite to{};
    gw_nat_answer answer{};
    result_.flow = "miss";
    const enum gw_reason reason =
        gw_nat_find_of_backend(view_.port(), &work_, work_.service, now_s_, &answer, &to);
    return reason == GW_GO_ON ? send_to_client(answer, to) : reason;
  }

  /// gw_nat_return() without what it writes.
  enum gw_reason go_on_to_own_client() {
    gw_nat_rewrite to{};
    gw_nat_answer answer{};
    gw_nat_query query{};
    query.now_s = now_s_;
    const enum gw_reason reason = gw_nat_find_return(view_.port(), &work_, &query, &answer, &to);
    return reason == GW_GO_ON ? send_to_client(answer, to) : GW_REASON_NO_SERVICE;
  }

  enum gw_reason send_to_client(const gw_nat_answer& answer, const gw_nat_rewrite& to) {
    result_.flow = "hit";
    result_.why = "an answer of a NAT flow: it goes back to the flow's client";
    work_.backend = static_cast<std::uint16_t>(answer.backend);
    name_backend();
    const enum gw_reason reason = gw_nat_write(frame_.packet(), &work_, &to);
    if (reason != GW_GO_ON) return reason;
    result_.header = frame_.header(work_.ip_length);
    return GW_REASON_NAT_RETURNED;
  }

  bool keeps_client() const { return (work_.service->flags & GW_SERVICE_NAT_KEEPS) != 0; }

  std::string nat_address(std::uint32_t plane) const {
    for (const auto& [address, own] : state_.nat_ids.entries())
      if (own == plane) return address.to_string();
    return "an unknown address";
  }

  /// Taking the turn would be writing.
  bool goes_by_turn() {
    if ((work_.service->flags & GW_SERVICE_BY_TURNS) == 0 || gw_is_late_tcp(&work_)) return false;
    const gw_pool* pool = gw_port_pool(view_.port(), work_.service->pool);
    return pool != nullptr && pool->ring_count != 0;
  }

  void name_backend() {
    if (work_.backend >= state_.backend_info.size()) return;
    const compile::BackendInfo& info = state_.backend_info[work_.backend];
    result_.backend = info.name;
    result_.backend_address = info.address;
  }

  void conclude(enum gw_reason reason) {
    result_.verdict = verdict_name(gw_reason_verdict(reason));
    result_.reason = reason_name(reason);
    if (reason != GW_REASON_FORWARDED && reason != GW_REASON_RESET_SENT &&
        reason != GW_REASON_NAT_RETURNED)
      result_.why = reason_help(reason);
  }

  const compile::ForwardingState& state_;
  View view_;
  Frame frame_;
  std::uint32_t now_s_;
  /// Some shard's buckets have room for the flow; whose packet it will be, only the NIC knows.
  bool has_room_ = false;
  gw_work work_{};
  Explanation result_;
};

}  // namespace

Explanation explain(const ExplainQuery& query, const compile::ForwardingState& state,
                    datapath::FlowTableView flows, std::uint32_t now_s,
                    datapath::NatTableView nat) {
  return Explainer(query, state, flows, nat, now_s).run();
}

}  // namespace guideway::control
