// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/fragment.h"

#include <rte_ip.h>
#include <rte_ip_frag.h>
#include <rte_mbuf.h>

#include <cerrno>
#include <cstring>

#include "guideway/datapath/dpdk/mbuf_view.h"
#include "guideway/datapath/dpdk/port.h"
// After the port header, which the core's other headers need.
#include "guideway/core/balance.h"

namespace guideway::datapath::dpdk {
namespace {

static_assert(RTE_PKTMBUF_HEADROOM >= Port::kLongestLinkHeader);

/// Nobody has looked at it so far, and each fragment gets a right one: a damaged header would come
/// out as good.
bool has_right_checksum(const rte_ipv4_hdr* header) {
  return rte_raw_cksum(header, rte_ipv4_hdr_len(header)) == 0xffff;
}

/// The IPv4 packet of `ip_length` bytes that begins `l3_offset` bytes into the frame, in pieces of
/// at most `mtu` bytes, each in front of nothing but its headroom. Cuts the frame to the packet.
gw_reason split(rte_mbuf* frame, unsigned l3_offset, unsigned ip_length, unsigned mtu,
                Fragments& made) {
  if (l3_offset + ip_length > frame->pkt_len || ip_length < sizeof(rte_ipv4_hdr))
    return GW_REASON_BAD_TABLE;
  rte_pktmbuf_trim(frame, static_cast<std::uint16_t>(frame->pkt_len - l3_offset - ip_length));
  rte_pktmbuf_adj(frame, static_cast<std::uint16_t>(l3_offset));
  const auto* whole = rte_pktmbuf_mtod(frame, const rte_ipv4_hdr*);
  if (rte_ipv4_hdr_len(whole) > ip_length) return GW_REASON_BAD_TABLE;
  if (mtu > UINT16_MAX || !has_right_checksum(whole)) return GW_REASON_MTU_EXCEEDED;
  const int count = rte_ipv4_fragment_copy_nonseg_packet(
      frame, made.packets.data(), Fragments::kMost, static_cast<std::uint16_t>(mtu), frame->pool);
  if (count < 0) return count == -ENOMEM ? GW_REASON_NO_BUFFER : GW_REASON_MTU_EXCEEDED;
  made.count = static_cast<unsigned>(count);
  for (unsigned i = 0; i < made.count; i++) {
    auto* header = rte_pktmbuf_mtod(made.packets[i], rte_ipv4_hdr*);
    header->hdr_checksum = rte_ipv4_cksum(header);
  }
  return GW_GO_ON;
}

/// As a stage of the core would: what has been made is gone unless all is well.
gw_reason freed_unless(gw_reason reason, Fragments& made) {
  if (reason != GW_GO_ON) made.free();
  return reason;
}

/// Each fragment becomes what the core makes of a packet for the record.
gw_reason rewrite_each(const gw_work& whole, const gw_backend& record, Fragments& made) {
  gw_reason reason = GW_GO_ON;
  for (unsigned i = 0; i < made.count && reason == GW_GO_ON; i++) {
    rte_mbuf* fragment = made.packets[i];
    gw_packet view = view_of(fragment, 0);
    gw_work work = whole;
    work.l3_offset = 0;
    work.ip_length = work.frame_length = fragment->pkt_len;
    work.record = &record;
    reason = gw_rewrite(&view, &work);
    apply(view, fragment);
  }
  return freed_unless(reason, made);
}

/// What stands in front of the IP packet comes in front of each of its fragments.
gw_reason fragment_behind_link_header(rte_mbuf* packet, unsigned l3_offset, unsigned ip_length,
                                      unsigned mtu, Fragments& made) {
  std::array<std::uint8_t, Port::kLongestLinkHeader> link;
  if (l3_offset > link.size() || l3_offset > packet->data_len) return GW_REASON_BAD_TABLE;
  std::memcpy(link.data(), start_of(packet), l3_offset);
  const gw_reason reason = split(packet, l3_offset, ip_length, mtu, made);
  if (reason != GW_GO_ON) return reason;
  for (unsigned i = 0; i < made.count; i++) {
    char* room = rte_pktmbuf_prepend(made.packets[i], static_cast<std::uint16_t>(l3_offset));
    if (!room) return freed_unless(GW_REASON_NO_HEADROOM, made);
    std::memcpy(room, link.data(), l3_offset);
  }
  return GW_GO_ON;
}

/// Makes made.identification that of the IPv4 packet. A wrong checksum stays wrong.
void identify(rte_mbuf* packet, unsigned l3_offset, const Fragments& made) {
  if (l3_offset + sizeof(rte_ipv4_hdr) > packet->data_len) return;
  std::uint8_t* ip = start_of(packet) + l3_offset;
  const std::uint16_t before = gw_load16(ip + 4);
  const std::uint16_t after = gw_swap16(made.identification);
  gw_store16(ip + 4, after);
  gw_update_checksum(ip + 10, before, after);
}

/// Translates the packet as the core would have, had it fitted: its flow is there, found or made
/// before it was refused. Sets `link_length` to that of its new Ethernet header.
gw_reason translate(const gw_port& port, rte_mbuf* packet, const gw_work& work, std::uint16_t id,
                    std::uint32_t now_s, unsigned& link_length) {
  const gw_backend* record = gw_nat_record(&port, id);
  if (!record || (work.service->flags & GW_SERVICE_NAT_RETURN)) return GW_REASON_MTU_EXCEEDED;
  gw_nat_scratch scratch{};
  gw_nat_ask(&port, &work, work.service, &scratch, now_s);
  const std::uint32_t place =
      gw_nat_find_of_client(gw_port_to_token(&port), &work, work.service, &scratch.query);
  if (place == GW_NAT_NO_PLACE || gw_nat_backend(scratch.query.word) != id)
    return GW_REASON_MTU_EXCEEDED;
  gw_work fits = work;
  fits.ip_length = GW_IPV4_LENGTH;
  gw_reason reason =
      gw_nat_to_backend(&port, &fits, record, scratch.query.address, place, &scratch.to);
  if (reason != GW_GO_ON) return reason;
  scratch.query.place = place;
  // Too long for the option: this counts it.
  if (work.service->flags & GW_SERVICE_TOA) gw_nat_plan_toa(&port, &work, record, &scratch);
  gw_packet view = view_of(packet, 0);
  reason = gw_nat_write(&view, &work, &scratch.to);
  apply(view, packet);
  link_length = scratch.to.ethernet_length;
  return reason;
}

}  // namespace

void Fragments::free() {
  rte_pktmbuf_free_bulk(packets.data(), count);
  count = 0;
}

gw_reason fragment_for_backend(const gw_port& port, rte_mbuf* packet, gw_outcome& outcome,
                               std::uint32_t now_s, Fragments& made) {
  gw_packet view = view_of(packet, 0);
  gw_work work;
  const gw_backend* record = gw_port_backend(&port, outcome.backend);
  if (!record || gw_classify(&port, &view, &work) != GW_GO_ON || work.family != GW_FAMILY_4)
    return GW_REASON_MTU_EXCEEDED;
  outcome.service = work.service->id;
  made.interface_index = record->interface_index;
  if (gw_is_for_nat(&work)) {
    unsigned link_length = 0;
    const gw_reason reason = translate(port, packet, work, outcome.backend, now_s, link_length);
    if (reason != GW_GO_ON) return reason;
    if (!(work.service->flags & GW_SERVICE_NAT_KEEPS)) identify(packet, link_length, made);
    return fragment_behind_link_header(packet, link_length, work.ip_length, record->mtu, made);
  }
  if (record->mtu <= record->outer_length) return GW_REASON_MTU_EXCEEDED;
  const unsigned room = record->mtu - record->outer_length;
  const gw_reason reason = split(packet, work.l3_offset, work.ip_length, room, made);
  return reason == GW_GO_ON ? rewrite_each(work, *record, made) : reason;
}

gw_reason fragment_frame(rte_mbuf* packet, unsigned mtu, Fragments& made) {
  gw_packet view = view_of(packet, 0);
  gw_work work;
  const gw_reason reason = gw_parse(view.data, view.end, &work);
  if (reason != GW_GO_ON || work.family != GW_FAMILY_4) return GW_REASON_MTU_EXCEEDED;
  identify(packet, work.l3_offset, made);
  return fragment_behind_link_header(packet, work.l3_offset, work.ip_length, mtu, made);
}

bool is_packet_longer_than(rte_mbuf* packet, unsigned mtu) {
  const gw_packet view = view_of(packet, 0);
  gw_work work{};
  static_cast<void>(gw_parse(view.data, view.end, &work));
  return work.ip_length > mtu;
}

}  // namespace guideway::datapath::dpdk
