/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The tables: every structure that the compiler of the forwarding state writes and the packet path
 * reads, in C++ objects and in BPF array maps alike. No implicit padding; sizes and offsets are
 * asserted here, on both sides. All integers are in host order unless the type is gw_be*.
 * Threading: a published table is immutable; the flow table is written by single aligned 8-byte
 * stores; counters belong to one worker (or CPU). */
#ifndef GUIDEWAY_CORE_LAYOUT_H_
#define GUIDEWAY_CORE_LAYOUT_H_

#include "guideway/core/reasons.h"
#include "guideway/core/types.h"

enum {
  GW_FAMILY_4 = 4,
  GW_FAMILY_6 = 6,
  GW_PROTO_ICMP = 1,
  GW_PROTO_TCP = 6,
  GW_PROTO_UDP = 17,
  GW_PROTO_ICMPV6 = 58,
  GW_PROTO_KEPT = 255, /* of an entry that no packet's key is: the planes of gw_nat_kept_planes() */
  GW_PROTO_NONE = 0,   /* a service entry with this protocol marks a VIP and forwards nothing */
};

/* "No backend" in a slot; also the first backend id that is never given out. */
#define GW_NO_BACKEND 0xffffu
#define GW_MAX_SHARDS 64u
/* Time in a flow entry is 13 bits of seconds, compared modulo 8192: a timeout above half of that
 * could not be told from its past. */
#define GW_MAX_IDLE_TIMEOUT_S 4095u

/* Keys of the flow hash, expanded from the 128-bit seed by gw_hash_expand(). */
struct gw_hash_key {
  uint32_t nh[12];
  uint64_t mix[2]; /* odd */
};
GW_STATIC_ASSERT(sizeof(struct gw_hash_key) == 64, "one cache line");

enum gw_state_flags {
  GW_STATE_ANY_PORT = 1u << 0,       /* some service has port 0: look twice */
  GW_STATE_ECHO_TO_KERNEL = 1u << 1, /* the host answers echo requests to VIPs, not the core */
  GW_STATE_DROP_UNSERVED = 1u << 2,  /* TCP and UDP to a VIP's ports without service: dropped */
  GW_STATE_NAT_KEEPS = 1u << 3,      /* some pool has snat = false: backends answer to clients */
  GW_STATE_FRAGMENT = 1u << 4,       /* workers fragment what may be and does not fit */
};

/* Facts of one generation that hold for all packets. */
struct gw_state {
  struct gw_hash_key hash_key;
  uint64_t generation;
  uint64_t service_seed;  /* odd; placed all services within their two candidate entries */
  uint32_t service_count; /* entries in the service table: a power of two */
  uint32_t pool_count;
  uint32_t slot_count;
  uint32_t backend_count; /* records, used or not: every valid id is below */
  uint32_t flags;         /* gw_state_flags */
  /* Where the generation's tables begin in the XDP program's maps; else 0. */
  uint32_t first_service;
  uint32_t first_pool;
  uint32_t first_slot_line;
  uint32_t first_backend;
  uint32_t icmp_rate; /* messages a second of each kind in enum gw_gate, for each worker or CPU */
  uint32_t nat_address_count; /* entries in the table of NAT addresses, used or not */
  uint32_t first_nat_address;
};
GW_STATIC_ASSERT(sizeof(struct gw_state) == 128, "two cache lines");

enum gw_service_flags {
  GW_SERVICE_USED = 1u << 0,
  /* The key is the whole 5-tuple: an entry is one connection, whose FIN or RST ends it, and whose
   * packets come to one shard. With a coarser key many connections share an entry. */
  GW_SERVICE_PER_CONNECTION = 1u << 1,
  /* The pool's scheduler is another one than maglev: new flows take turns (turns.h). */
  GW_SERVICE_BY_TURNS = 1u << 2,
  /* … and of two candidates, the one with the fewer live flows for its weight is taken. */
  GW_SERVICE_BY_LOAD = 1u << 3,
  /* The pool's backends are sent to by address and port (nat.h). */
  GW_SERVICE_NAT = 1u << 4,
  /* No service: a NAT address, which backends answer to. nat_addresses[0] is its index. */
  GW_SERVICE_NAT_RETURN = 1u << 5,
  /* GW_SERVICE_NAT: the client keeps its address and port (nat_kept.h); nat_addresses are planes
   * without one. */
  GW_SERVICE_NAT_KEEPS = 1u << 6,
  /* GW_SERVICE_NAT over TCP: backends are told the client's address and port (toa.h). */
  GW_SERVICE_TOA = 1u << 7,
};

/* NAT addresses that one pool may have. */
#define GW_NAT_POOL_ADDRESSES 8u

/* One service, and one entry of the service table: a cuckoo hash with two candidate entries per
 * key, one entry a cache line, so a lookup reads at most two lines, whatever the table holds. The
 * key is (address, protocol, port); IPv4 addresses are in address_lo with address_hi 0. Every VIP
 * also has an entry with GW_PROTO_NONE and port 0, so that a packet that shows only an address can
 * be told to be for a VIP. */
struct gw_service {
  uint64_t address_hi; /* the address bytes as loaded, not swapped */
  uint64_t address_lo;
  gw_be16 port; /* 0: any port */
  uint8_t protocol;
  uint8_t family;
  uint16_t id; /* counters; a service keeps it for as long as it exists */
  uint16_t pool;
  /* What enters the flow hash: ports as loaded (source port in the low half) and destination
   * address are masked; the salt is made from the service's own address, protocol and port. */
  uint32_t ports_mask;
  uint32_t destination_mask;
  uint32_t salt;
  uint16_t idle_timeout_s; /* 1 to GW_MAX_IDLE_TIMEOUT_S */
  uint16_t flags;          /* gw_service_flags */
  /* GW_SERVICE_NAT: indices of the addresses that its flows are translated to. */
  uint16_t nat_addresses[GW_NAT_POOL_ADDRESSES];
  uint16_t nat_address_count;
  /* What TCP over IPv4 may announce at most (IPv6: 20 less); 0: anything. With
   * GW_SERVICE_NAT_RETURN, and of the planes of gw_nat_kept_planes(): of backends. */
  uint16_t clamp_mss;
  uint16_t reserved[2];
} __attribute__((aligned(64)));
GW_STATIC_ASSERT(sizeof(struct gw_service) == 64, "one cache line");
GW_STATIC_ASSERT(offsetof(struct gw_service, port) == 16, "layout");
GW_STATIC_ASSERT(offsetof(struct gw_service, ports_mask) == 24, "layout");
GW_STATIC_ASSERT(offsetof(struct gw_service, flags) == 38, "layout");

/* Where a pool's slots are in the one slot array, and its ring: the order in which new flows take
 * turns, empty under maglev. slot_count 0: the pool takes no new flow. */
struct gw_pool {
  uint32_t slot_base;
  uint32_t slot_count;
  uint32_t ring_base;
  uint32_t ring_count;
};
GW_STATIC_ASSERT(sizeof(struct gw_pool) == 16, "layout");

enum gw_backend_flags {
  GW_BACKEND_USED = 1u << 0,            /* the id is given out */
  GW_BACKEND_RESOLVED = 1u << 1,        /* the template holds a next hop's MAC address */
  GW_BACKEND_OUTER_4 = 1u << 2,         /* the template's outer header is IPv4 */
  GW_BACKEND_OUTER_6 = 1u << 3,         /* … is IPv6 */
  GW_BACKEND_OUTER_UDP = 1u << 4,       /* a UDP header follows the outer IP header */
  GW_BACKEND_INNER_ETHERTYPE = 1u << 5, /* what follows is named by an EtherType, not a protocol */
  GW_BACKEND_TAKES_NEW = 1u << 6,       /* it has slots: not drained, removed or unreachable */
};

#define GW_TEMPLATE_SIZE 104u

/* Everything that rewriting for one backend needs, in two cache lines. The template is the complete
 * new header: Ethernet with up to two VLAN tags (l2_length bytes), then the outer headers
 * (outer_length bytes, 0 for l2dsr). Length, DSCP, entropy, inner protocol and checksum are patched
 * in; for outer IPv4 they are zero in the template and outer_checksum is the one's complement sum
 * (not inverted, folded to 16 bits, of the header as 16-bit words as loaded) of all the rest. */
struct gw_backend {
  uint16_t pool;
  uint16_t interface_index;      /* to send from: index of the datapath's interface */
  uint16_t mtu;                  /* of the path to the next hop: IP bytes, outer headers included */
  uint8_t flags;                 /* gw_backend_flags */
  uint8_t l2_length;             /* 14, 18 or 22 */
  uint8_t outer_length;          /* 0 to 82 */
  uint8_t inner_protocol_offset; /* from the start of the outer IP header, where the inner protocol
                                    (1 byte) or EtherType (2 bytes) is patched */
  uint16_t outer_checksum;
  uint16_t sweep_timeout_s; /* longest idle timeout of the services that use the pool */
  uint16_t reserved;
  uint32_t load_weight; /* GW_SERVICE_BY_LOAD: live flows are compared in proportion to it */
  uint16_t is_nat;      /* 1: the template holds an address and a port at GW_NAT_TEMPLATE_… */
  uint16_t reserved2;
  uint8_t template_bytes[GW_TEMPLATE_SIZE];
} __attribute__((aligned(64)));
GW_STATIC_ASSERT(sizeof(struct gw_backend) == 128, "two cache lines");
GW_STATIC_ASSERT(offsetof(struct gw_backend, load_weight) == 16, "no padding");
GW_STATIC_ASSERT(offsetof(struct gw_backend, template_bytes) == 24,
                 "l2dsr and IPv4 IPIP without a tag stay in the first line");

/* The flow table. A word is, from the top: 32 bits tag, 16 bits backend id, 2 bits state, 1 bit
 * reset mark, 13 bits time in seconds. 0 is an empty entry. flow_table.h has the rules. */
#define GW_FLOW_WAYS 8u
struct gw_flow_bucket {
  uint64_t words[GW_FLOW_WAYS];
} __attribute__((aligned(64)));
GW_STATIC_ASSERT(sizeof(struct gw_flow_bucket) == 64, "one cache line");

/* What is let through at a limited rate: gw_state::icmp_rate each. */
enum gw_gate {
  GW_GATE_ECHO,          /* echo requests that are answered */
  GW_GATE_TIME_EXCEEDED, /* errors of our own about a TTL */
  GW_GATE_TOO_BIG,       /* and about a length: apart, since anybody can use up the former */
  GW_GATE_ERROR_LOST,    /* ICMP errors of others, of a flow that no table has */
  GW_GATE_COUNT
};

/* Of a backend that is sent to by NAT, behind the Ethernet header in its template: its address (16
 * bytes, IPv4 in the first four) and port (network order; 0: that of the service). */
#define GW_NAT_TEMPLATE_ADDRESS 24u
#define GW_NAT_TEMPLATE_PORT 40u

/* The NAT table. Flows are translated to (NAT address, port), and that pair is the place of the
 * flow's entry: a reply finds it without a search, two flows cannot have the same, and whoever gets
 * the reply can translate it. An address owns a plane: a header, and a place for each port from
 * GW_NAT_FIRST_PORT, in buckets of eight. nat_table.h has the rules. */
#define GW_NAT_FIRST_PORT 1024u
#define GW_NAT_WAYS 8u
#define GW_NAT_BUCKETS 8064u
GW_STATIC_ASSERT(GW_NAT_FIRST_PORT + GW_NAT_WAYS * GW_NAT_BUCKETS == 65536, "all the other ports");
/* Of a plane, in elements: the header is as large as a bucket. */
#define GW_NAT_PLANE (1 + GW_NAT_BUCKETS)

/* One flow; all of it is read and written by words. Two cache lines: what every packet needs, and
 * what only replies need. */
struct gw_nat_entry {
  uint64_t client[2]; /* address as loaded, IPv4 with the rest 0 */
  uint64_t vip[2];
  uint64_t tail;     /* ports as loaded from the client's packets | protocol << 32 | family << 40 */
  uint64_t settings; /* idle timeout in seconds | service id << 16 | its GW_SERVICE_TOA << 32 */
  uint64_t client_word;  /* the client's side writes it: seconds | enum gw_nat_seen << 32 */
  uint64_t backend_word; /* the backend's side writes it */
  /* The way back to the client: its Ethernet header with up to two tags, then
   * interface index | length << 16. */
  uint64_t path[4];
  uint64_t reserved[4];
};
GW_STATIC_ASSERT(sizeof(struct gw_nat_entry) == 128, "two cache lines");
GW_STATIC_ASSERT(offsetof(struct gw_nat_entry, path) == 64, "layout");

struct gw_nat_bucket {
  struct gw_flow_bucket ways; /* a word for each entry; see nat_table.h */
  struct gw_nat_entry entries[GW_NAT_WAYS];
};
GW_STATIC_ASSERT(sizeof(struct gw_nat_bucket) == 1088, "17 cache lines");

/* The first element of a plane: whose it is, for the daemon that adopts it. */
struct gw_nat_plane {
  uint64_t magic;
  uint8_t address[16];
  uint32_t family; /* 0: nobody's */
  uint32_t checksum;
};

/* A NAT address as packets have it; its index in the table is its plane. */
struct gw_nat_address {
  uint64_t address[2]; /* as loaded */
  uint32_t family;     /* 0: not used */
  uint32_t is_kept;    /* 1: no address, the client's own is kept (nat_kept.h) */
};
GW_STATIC_ASSERT(sizeof(struct gw_nat_address) == 24, "no padding");

/* Counters of one worker (or CPU). Index: enum gw_reason, enum gw_event. */
struct gw_counters {
  uint64_t packets_in;
  uint64_t bytes_in; /* frame bytes, without FCS */
  uint64_t reasons[GW_REASON_COUNT];
  uint64_t events[GW_EVENT_COUNT];
  /* Of each gate: the second in the upper half, how many went through in it in the lower. */
  uint64_t gates[GW_GATE_COUNT];
};

/* Per backend, or per service, of one worker (or CPU). Bytes are frame bytes as received. */
struct gw_traffic {
  uint64_t packets;
  uint64_t bytes;
  uint64_t flows; /* entries made */
  /* Of a backend; written by the control side: load_offset + flows, modulo 2^64, is about the
   * backend's live flows, those that this worker has made a moment ago included. */
  uint64_t load_offset;
};
GW_STATIC_ASSERT(sizeof(struct gw_traffic) == 32, "two to a cache line");

/* Where one worker (or CPU) stands in a pool's ring. All 0: it has not begun. */
struct gw_turn {
  uint32_t next;   /* position whose turn it is, counted from 1 */
  uint32_t stride; /* how far behind it the other candidate is */
};
GW_STATIC_ASSERT(sizeof(struct gw_turn) == 8, "an array value without gaps");

#endif /* GUIDEWAY_CORE_LAYOUT_H_ */
