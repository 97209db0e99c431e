// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/worker.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <array>
#include <utility>

#include "guideway/datapath/dpdk/fragment.h"
#include "guideway/datapath/dpdk/mbuf_view.h"
#include "guideway/datapath/dpdk/port.h"
// After the port header, which the core's other headers need.
#include "guideway/core/balance_burst.h"

namespace guideway::datapath::dpdk {

static_assert(Worker::kBurst <= GW_BURST_MAX);

/// Packets on their way out of one interface, each with its place in the burst.
struct Worker::TxBuffer {
  std::array<rte_mbuf*, kBurst> packets;
  std::array<const gw_outcome*, kBurst> outcomes;
  unsigned count = 0;

  void add(rte_mbuf* packet, const gw_outcome* outcome) {
    packets[count] = packet;
    outcomes[count] = outcome;
    count++;
  }
};

namespace {

/// Whether the packet has more than the device's MTU. Most frames have no more bytes than an
/// untagged one may; of those in between, tags and padding decide.
bool is_too_long(rte_mbuf* packet, unsigned longest_frame) {
  constexpr unsigned kTags = Port::kLongestLinkHeader - GW_ETHERNET_LENGTH;
  if (packet->pkt_len <= longest_frame - kTags) return false;
  return packet->pkt_len > longest_frame ||
         is_packet_longer_than(packet, longest_frame - Port::kLongestLinkHeader);
}

}  // namespace

/// Everything about the burst in hand. Allocated once.
struct Worker::Burst {
  explicit Burst(const Setup& setup)
      : to_send(setup.interfaces.size()),
        to_kernel(setup.interfaces.size()),
        unsent(setup.interfaces.size()),
        to_worker(setup.distributor ? setup.distributor->workers() : 0) {}

  std::uint32_t now_s = 0;
  std::array<rte_mbuf*, kBurst> packets;
  std::array<std::uint16_t, kBurst> interfaces;  // received on
  std::array<gw_packet, kBurst> views;
  std::array<gw_outcome, kBurst> outcomes;
  std::vector<TxBuffer> to_send;    // [interface]
  std::vector<TxBuffer> to_kernel;  // [interface]
  std::vector<TxBuffer> unsent;     // [interface]: from the outbox, waiting for room in the device
  std::vector<TxBuffer> to_worker;  // [worker]
  gw_port port{};
  const Tables* tables = nullptr;
};

Worker::Worker(Setup setup)
    : setup_(std::move(setup)),
      counters_(setup_.backends, setup_.services),
      turns_(setup_.pools),
      next_identification_(static_cast<std::uint16_t>(setup_.index)),
      burst_(std::make_unique<Burst>(setup_)) {
  gw_port& port = burst_->port;
  port.buckets = setup_.flow_table.buckets.data();
  port.buckets_per_shard = setup_.flow_table.buckets_per_shard;
  port.shard_count = setup_.flow_table.shard_count;
  // An adopted table may have fewer shards than there are workers now; sharing one is allowed.
  port.shard = setup_.index % setup_.flow_table.shard_count;
  port.backend_traffic_count = setup_.backends;
  port.service_traffic_count = setup_.services;
  port.counters = counters_.counters();
  port.backend_traffic = counters_.backends().data();
  port.service_traffic = counters_.services().data();
  port.turn_count = setup_.pools;
  port.turns = turns_.data();
  port.nat_buckets = setup_.nat_table.buckets.data();
  port.nat_bucket_count = static_cast<std::uint32_t>(setup_.nat_table.buckets.size());
}

Worker::~Worker() {
  for (TxBuffer& buffer : burst_->unsent)
    rte_pktmbuf_free_bulk(buffer.packets.data(), buffer.count);
}

unsigned Worker::poll_once(std::uint32_t now_s) {
  burst_->now_s = now_s;
  use(setup_.published->read(setup_.index));
  unsigned handled = 0;
  for (unsigned i = 0; i < setup_.interfaces.size(); i++) {
    const WorkerInterface& interface = setup_.interfaces[i];
    if (interface.rx_queue != WorkerInterface::kNoQueue) handled += receive(i);
    if (interface.outbox && setup_.index == 0) handled += send_outbox(i);
  }
  if (setup_.distributor && setup_.index != 0) handled += take_handed_over();
  return handled;
}

void Worker::use(const Tables& tables) {
  if (&tables == burst_->tables) return;
  burst_->tables = &tables;
  burst_->port.state = tables.state;
  burst_->port.services = tables.services;
  burst_->port.pools = tables.pools;
  burst_->port.slots = tables.slots;
  burst_->port.backends = tables.backends;
  burst_->port.nat_addresses = tables.nat_addresses;
}

unsigned Worker::receive(unsigned interface) {
  const WorkerInterface& from = setup_.interfaces[interface];
  auto queue = static_cast<std::uint16_t>(from.rx_queue);
  const unsigned count = rte_eth_rx_burst(from.port_id, queue, burst_->packets.data(), kBurst);
  if (count == 0) return 0;
  burst_->interfaces.fill(static_cast<std::uint16_t>(interface));
  counters_.begin();
  if (from.distribute) {
    distribute(interface, count);
  } else {
    balance(count);
  }
  counters_.end();
  return count;
}

unsigned Worker::take_handed_over() {
  const unsigned count = setup_.distributor->take(setup_.index, burst_->packets.data(), kBurst);
  if (count == 0) return 0;
  // distribute() has put the interface's index there.
  for (unsigned i = 0; i < count; i++) burst_->interfaces[i] = burst_->packets[i]->port;
  counters_.begin();
  balance(count);
  counters_.end();
  return count;
}

/// Sends each packet to its flow's worker, and balances those that are this worker's own.
void Worker::distribute(unsigned interface, unsigned count) {
  unsigned own = 0;
  for (unsigned i = 0; i < count; i++) {
    rte_mbuf* packet = burst_->packets[i];
    packet->port = static_cast<std::uint16_t>(interface);
    const std::uint8_t* start = start_of(packet);
    unsigned owner = owner_of(start, start + packet->data_len, setup_.distributor->workers());
    if (owner == setup_.index) {
      burst_->packets[own++] = packet;
    } else {
      burst_->to_worker[owner].add(packet, nullptr);
    }
  }
  for (unsigned worker = 0; worker < burst_->to_worker.size(); worker++) hand_over(worker);
  balance(own);
}

void Worker::hand_over(unsigned worker) {
  TxBuffer& buffer = burst_->to_worker[worker];
  if (buffer.count == 0) return;
  unsigned taken = setup_.distributor->hand_over(worker, buffer.packets.data(), buffer.count);
  for (unsigned i = taken; i < buffer.count; i++) {
    count_in_and_drop(buffer.packets[i], GW_REASON_HANDOVER_FULL);
  }
  buffer.count = 0;
}

void Worker::count_in_and_drop(rte_mbuf* packet, gw_reason reason) {
  gw_counters* counters = counters_.counters();
  gw_counter_add(&counters->packets_in, 1);
  gw_counter_add(&counters->bytes_in, packet->pkt_len);
  gw_counter_add(&counters->reasons[reason], 1);
  rte_pktmbuf_free(packet);
}

/// The packets of the burst, from receipt to their end. Interfaces are in burst_->interfaces.
void Worker::balance(unsigned count) {
  count = make_packets(count);
  if (count == 0) return;
  gw_balance_burst(&burst_->port, burst_->views.data(), burst_->outcomes.data(), count,
                   burst_->now_s);
  dispatch(count);
  for (unsigned i = 0; i < setup_.interfaces.size(); i++) {
    flush_transmit(i);
    flush_kernel(i);
  }
}

/// Makes every packet one segment; drops what cannot be. Returns how many are left.
unsigned Worker::make_packets(unsigned count) {
  unsigned kept = 0;
  for (unsigned i = 0; i < count; i++) {
    rte_mbuf* packet = burst_->packets[i];
    if (packet->nb_segs != 1 && rte_pktmbuf_linearize(packet) != 0) {
      count_in_and_drop(packet, GW_REASON_NOT_LINEAR);
      continue;
    }
    burst_->packets[kept] = packet;
    burst_->interfaces[kept] = burst_->interfaces[i];
    burst_->views[kept] = view_of(packet, burst_->interfaces[i]);
    kept++;
  }
  return kept;
}

/// Sorts the packets by where they go.
void Worker::dispatch(unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    rte_mbuf* packet = burst_->packets[i];
    const gw_outcome* outcome = &burst_->outcomes[i];
    apply(burst_->views[i], packet);
    switch (outcome->verdict) {
      case GW_FORWARD:
        send(outcome->interface_index, i);
        break;
      case GW_REPLY:
        send(burst_->interfaces[i], i);
        break;
      case GW_KERNEL:
        burst_->to_kernel[burst_->interfaces[i]].add(packet, outcome);
        break;
      default:
        drop(i);
        break;
    }
  }
}

/// Whether this packet, which is too large for where it would go, may be fragmented.
bool Worker::may_fragment() const { return burst_->port.state->flags & GW_STATE_FRAGMENT; }

/// Of one packet. Its identification is one that other workers do not use before they have used all
/// of theirs.
Fragments Worker::no_fragments() {
  Fragments fragments;
  fragments.identification = next_identification_;
  next_identification_ =
      static_cast<std::uint16_t>(next_identification_ + burst_->port.shard_count);
  return fragments;
}

void Worker::drop(unsigned place) {
  rte_mbuf* packet = burst_->packets[place];
  gw_outcome& outcome = burst_->outcomes[place];
  if (outcome.reason == GW_REASON_MTU_EXCEEDED && may_fragment()) {
    Fragments fragments = no_fragments();
    const gw_reason reason =
        fragment_for_backend(burst_->port, packet, outcome, burst_->now_s, fragments);
    if (reason == GW_GO_ON) {
      outcome = gw_recount_forwarded(&burst_->port, &outcome, fragments.interface_index);
      send_fragments(fragments.interface_index, fragments, outcome);
    } else if (reason != GW_REASON_MTU_EXCEEDED) {
      gw_recount(&burst_->port, &outcome, reason);
    }
  }
  rte_pktmbuf_free(packet);
}

/// Sends them behind what waits, all at once: the buffer has room for the burst's packets alone. If
/// the device does not take all of them, those that it took are of no use to anybody.
void Worker::send_fragments(unsigned interface, Fragments& fragments, const gw_outcome& outcome) {
  gw_reason obstacle = GW_GO_ON;
  if (interface >= burst_->to_send.size()) {
    obstacle = GW_REASON_BAD_TABLE;
  } else if (fragments.packets[0]->pkt_len > setup_.interfaces[interface].longest_frame) {
    obstacle = GW_REASON_MTU_EXCEEDED;
  }
  if (obstacle != GW_GO_ON) {
    gw_recount(&burst_->port, &outcome, obstacle);
    fragments.free();
    return;
  }
  flush_transmit(interface);
  rte_mbuf** packets = fragments.packets.data();
  const unsigned sent = transmit(interface, packets, fragments.count);
  gw_counters* counters = counters_.counters();
  gw_counter_add(&counters->events[GW_EVENT_FRAGMENT_SENT], sent);
  if (sent == fragments.count) {
    gw_counter_add(&counters->events[GW_EVENT_FRAGMENTED], 1);
    return;
  }
  gw_recount(&burst_->port, &outcome, GW_REASON_TX_FULL);
  rte_pktmbuf_free_bulk(packets + sent, fragments.count - sent);
}

/// Puts the packet at `place` of the burst with those that leave by `interface`, if it can.
void Worker::send(unsigned interface, unsigned place) {
  rte_mbuf* packet = burst_->packets[place];
  const gw_outcome* outcome = &burst_->outcomes[place];
  gw_reason obstacle = GW_GO_ON;
  if (interface >= burst_->to_send.size()) {
    obstacle = GW_REASON_BAD_TABLE;
  } else if (is_too_long(packet, setup_.interfaces[interface].longest_frame)) {
    obstacle = GW_REASON_MTU_EXCEEDED;
  }
  if (obstacle == GW_GO_ON) {
    burst_->to_send[interface].add(packet, outcome);
    return;
  }
  // To a client, who has no record with an MTU of its own.
  if (obstacle == GW_REASON_MTU_EXCEEDED && outcome->reason == GW_REASON_NAT_RETURNED &&
      may_fragment()) {
    Fragments fragments = no_fragments();
    const unsigned mtu = setup_.interfaces[interface].longest_frame - Port::kLongestLinkHeader;
    obstacle = fragment_frame(packet, mtu, fragments);
    if (obstacle == GW_GO_ON) send_fragments(interface, fragments, *outcome);
  }
  if (obstacle != GW_GO_ON) gw_recount(&burst_->port, outcome, obstacle);
  rte_pktmbuf_free(packet);
}

void Worker::flush_transmit(unsigned interface) {
  TxBuffer& buffer = burst_->to_send[interface];
  if (buffer.count == 0) return;
  unsigned sent = transmit(interface, buffer.packets.data(), buffer.count);
  for (unsigned i = sent; i < buffer.count; i++) {
    gw_recount(&burst_->port, buffer.outcomes[i], GW_REASON_TX_FULL);
    rte_pktmbuf_free(buffer.packets[i]);
  }
  buffer.count = 0;
}

unsigned Worker::transmit(unsigned interface, rte_mbuf** packets, unsigned count) {
  const WorkerInterface& to = setup_.interfaces[interface];
  if (to.tx_queue == WorkerInterface::kNoQueue) return to.outbox->push(packets, count);
  return rte_eth_tx_burst(to.port_id, static_cast<std::uint16_t>(to.tx_queue), packets,
                          static_cast<std::uint16_t>(count));
}

void Worker::flush_kernel(unsigned interface) {
  TxBuffer& buffer = burst_->to_kernel[interface];
  if (buffer.count == 0) return;
  unsigned taken = setup_.kernel->to_kernel(interface, buffer.packets.data(), buffer.count);
  for (unsigned i = taken; i < buffer.count; i++) {
    gw_recount(&burst_->port, buffer.outcomes[i], GW_REASON_KERNEL_QUEUE_FULL);
    rte_pktmbuf_free(buffer.packets[i]);
  }
  buffer.count = 0;
}

/// Sends what others put into the outbox. What the device does not take is kept for the next round
/// and the outbox fills up behind it, so that the loss is counted where the packet was put in.
unsigned Worker::send_outbox(unsigned interface) {
  TxBuffer& buffer = burst_->unsent[interface];
  Ring& outbox = *setup_.interfaces[interface].outbox;
  buffer.count += outbox.pop(buffer.packets.data() + buffer.count, kBurst - buffer.count);
  if (buffer.count == 0) return 0;
  unsigned sent = transmit(interface, buffer.packets.data(), buffer.count);
  rte_mbuf** first = buffer.packets.data();
  std::copy(first + sent, first + buffer.count, first);
  buffer.count -= sent;
  return sent;
}

}  // namespace guideway::datapath::dpdk
