/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What becomes of a packet, and why: the one list of verdicts, reasons and events.
 * Every packet ends in exactly one reason, and every reason belongs to one verdict, so
 *   packets in = forwarded + replied + to the kernel + dropped
 * holds per shard by construction. Events are extra facts about a packet; they do not add up.
 * The lists are X-macros: identifier, verdict, metric name, help text. docs/operations.md says what
 * to do about each. New entries go at the end of their group: the numbers are not stored anywhere.
 * Threading: constants. */
#ifndef GUIDEWAY_CORE_REASONS_H_
#define GUIDEWAY_CORE_REASONS_H_

#include "guideway/core/types.h"

enum gw_verdict {
  GW_FORWARD = 0, /* to a backend, out of the interface that its record names */
  GW_REPLY,       /* answered by the balancer itself, out of the interface it came in by */
  GW_KERNEL,      /* not ours: to the host's stack */
  GW_DROP,
  GW_VERDICT_COUNT
};

/* clang-format off */
#define GW_REASONS(X)                                                                              \
  X(FORWARDED,        FORWARD, "forwarded",        "sent to a backend")                            \
  X(RESET_SENT,       REPLY,   "reset_sent",       "answered by a TCP reset: its flow was marked") \
  X(ECHO_ANSWERED,    REPLY,   "echo_answered",    "an echo request to a VIP, answered")           \
  X(TIME_EXCEEDED_SENT, REPLY, "time_exceeded_sent", "for a service: TTL or hop limit 1 or 0, answered by ICMP") \
  X(TOO_BIG_SENT,     REPLY,   "too_big_sent",     "larger than the path to the backend takes, answered by ICMP with what it does take") \
  X(NAT_RETURNED,     FORWARD, "nat_returned",     "a backend's packet of a NAT flow, sent back to the client") \
  X(NAT_RESET,        REPLY,   "nat_reset",        "for a NAT service: TCP of no flow there is, answered by a reset") \
  X(NO_SERVICE,       KERNEL,  "no_service",       "no service has this address, protocol and port") \
  X(NOT_IP,           KERNEL,  "not_ip",           "neither IPv4 nor IPv6, for example ARP")       \
  X(NOT_UNICAST,      KERNEL,  "not_unicast",      "Ethernet multicast or broadcast")              \
  X(OTHER_PROTOCOL,   KERNEL,  "other_protocol",   "an IP protocol that no service can have, for example ICMP") \
  X(TOO_SHORT,        KERNEL,  "too_short",        "ends before its destination address")          \
  X(IP_HEADER,        DROP,    "ip_header",        "for a VIP: wrong IP version or header length") \
  X(IP_LENGTH,        DROP,    "ip_length",        "for a VIP: IP length beyond the frame or below the header") \
  X(IPV6_EXTENSIONS,  DROP,    "ipv6_extensions",  "for a VIP: IPv6 extension headers truncated or too many") \
  X(FRAGMENT,         DROP,    "fragment",         "for a VIP: a fragment of TCP or UDP; fragments are not in this version") \
  X(L4_TRUNCATED,     DROP,    "l4_truncated",     "for a VIP: ends inside the TCP, UDP or ICMP header") \
  X(TCP_HEADER,       DROP,    "tcp_header",       "for a service: TCP data offset below 5 or beyond the packet") \
  X(UDP_LENGTH,       DROP,    "udp_length",       "for a service: UDP length below 8 or beyond the packet") \
  X(TTL_EXPIRED,      DROP,    "ttl_expired",      "for a service: TTL or hop limit 1 or 0")       \
  X(NO_BACKEND,       DROP,    "no_backend",       "the pool has no backend that takes new flows") \
  X(NO_NEIGHBOUR,     DROP,    "no_neighbour",     "the next hop's MAC address is not known")      \
  X(MTU_EXCEEDED,     DROP,    "mtu_exceeded",     "larger than the next hop's MTU after encapsulation") \
  X(NO_HEADROOM,      DROP,    "no_headroom",      "no room in the buffer for the outer header")   \
  X(BAD_TABLE,        DROP,    "bad_table",        "a table entry points outside its table; please report") \
  X(NAT_NO_FLOW,      DROP,    "nat_no_flow",      "for a NAT address, or a reset for a NAT service: of no flow there is") \
  X(NAT_NO_PORT,      DROP,    "nat_no_port",      "a new NAT flow, and the ports that it could have are all in use") \
  X(NAT_NOT_ITS_BACKEND, DROP, "nat_not_its_backend", "for a flow at a NAT address, from somebody else than its backend") \
  X(NAT_UDP_CHECKSUM, DROP,    "nat_udp_checksum", "UDP over IPv6 without a checksum cannot be translated") \
  X(NOT_LINEAR,       DROP,    "not_linear",       "spans buffers that could not be joined")       \
  X(TX_FULL,          DROP,    "tx_full",          "the interface's transmit queue was full")      \
  X(KERNEL_QUEUE_FULL, DROP,   "kernel_queue_full", "not for a service, and the queue to the kernel was full") \
  X(HANDOVER_FULL,    DROP,    "handover_full",    "the ring to the worker that owns the flow was full") \
  X(ICMP_LIMITED,     DROP,    "icmp_limited",     "for a VIP: an echo request, or an ICMP error of an unknown flow, beyond icmp_rate") \
  X(ICMP_ERROR,       DROP,    "icmp_error",       "for a VIP: an ICMP error of a kind that is no use to a backend, or that quotes nothing a service can have sent") \
  X(BAD_SOURCE,       DROP,    "bad_source",       "for a VIP: from the VIP itself, or to be answered and not from a unicast address") \
  X(UNSERVED_PORT,    DROP,    "unserved_port",    "TCP or UDP for a port of a VIP that no service has, with unserved_ports = \"drop\"") \
  X(NO_BUFFER,        DROP,    "no_buffer",        "to be sent in fragments, and no packet buffer was left for them")

#define GW_EVENTS(X)                                                                               \
  X(FLOW_HIT,         "flow_hits",         "packets of a flow in the flow table")                  \
  X(FLOW_MISS,        "flow_misses",       "packets of no flow in this shard's flow table")        \
  X(FLOW_NEW,         "flows_new",         "entries made in the flow table")                       \
  X(FLOW_UNTRACKED,   "flows_untracked",   "packets forwarded by their slot alone: no room for an entry") \
  X(UNTRACKED_ESTABLISHED, "untracked_established", "TCP packets without SYN and without an entry in any shard") \
  X(OTHER_SHARD,      "flows_other_shard", "misses answered from another shard's flow table")      \
  X(FLOW_EVICTED,     "flows_evicted",     "entries on probation replaced by a newer flow")        \
  X(SECOND_BUCKET,    "flow_second_bucket", "hits found in the second bucket")                      \
  X(WORKER_ABSENT,    "worker_absent",     "packets for a service that the XDP program balanced itself, as no live worker served their queue") \
  X(ICMP_ERROR_PASSED, "icmp_errors_passed", "ICMP errors sent on to the backend whose flow they are about, or by NAT to its client") \
  X(ICMP_MTU_RAISED,  "icmp_mtu_raised",   "of those: MTUs below what IP guarantees, raised to that") \
  X(ICMP_HELD_BACK,   "icmp_held_back",    "ICMP messages not sent because of icmp_rate")         \
  X(FRAGMENTED,       "packets_fragmented", "packets sent in fragments, as they did not fit whole") \
  X(FRAGMENT_SENT,    "fragments_sent",    "fragments that went out in place of packets that did not fit") \
  X(TOA_ADDED,        "toa_added",         "TCP packets that got an option with the client's address (toa)") \
  X(TOA_NO_ROOM,      "toa_no_room",       "of those that were to get it: sent on without, as it did not fit") \
  X(TOA_ERASED,       "toa_erased",        "TCP packets of clients that had such an option of their own: made NOPs")
/* clang-format on */

enum gw_reason {
#define GW_REASON_ENUM(id, verdict, name, help) GW_REASON_##id,
  GW_REASONS(GW_REASON_ENUM)
#undef GW_REASON_ENUM
      GW_REASON_COUNT
};

enum gw_event {
#define GW_EVENT_ENUM(id, name, help) GW_EVENT_##id,
  GW_EVENTS(GW_EVENT_ENUM)
#undef GW_EVENT_ENUM
      GW_EVENT_COUNT
};

/* The verdict that a reason belongs to. */
GW_INLINE enum gw_verdict gw_reason_verdict(enum gw_reason reason) {
  switch (reason) {
#define GW_REASON_CASE(id, verdict, name, help) \
  case GW_REASON_##id:                          \
    return GW_##verdict;
    GW_REASONS(GW_REASON_CASE)
#undef GW_REASON_CASE
    case GW_REASON_COUNT:
      break;
  }
  return GW_DROP;
}

#endif /* GUIDEWAY_CORE_REASONS_H_ */
