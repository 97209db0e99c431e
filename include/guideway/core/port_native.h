/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The port layer of user space: how the core reaches packet bytes and tables in a C or C++ program.
 * Include exactly one port header before any other core header (the other one is the XDP
 * program's). Everything that a port must define is in this file, so it is also the port layer's
 * description. Threading: a gw_port and a gw_packet belong to one thread; the tables behind a
 * gw_port are immutable, except for the flow table (relaxed 8-byte atomics, shared with sweeper and
 * XDP). */
#ifndef GUIDEWAY_CORE_PORT_NATIVE_H_
#define GUIDEWAY_CORE_PORT_NATIVE_H_

#include "guideway/core/layout.h"

/* ThreadSanitizer would take a load of two words for a race with the one that writes either. */
#if defined(__SSE2__) && !defined(__SANITIZE_THREAD__)
#if !defined(__has_feature)
#define GW_HAS_SSE2 1
#elif !__has_feature(thread_sanitizer)
#define GW_HAS_SSE2 1
#endif
#endif
#ifdef GW_HAS_SSE2
#include "guideway/core/ways_sse2.h"
#endif

/* A short way for plain IPv6, too. In the program the verifier would walk all that comes after
 * once more. */
#define GW_COMMON_IPV6 1
/* Each of the parser's ways is followed by a first half of its own, in which the compiler knows the
 * family, and need not ask what the short ways have asked. The verifier would walk it thrice. */
#define GW_WAYS_APART 1

/* How a function is declared that the verifier should walk once, by itself, rather than at each
 * call. */
#define GW_SEPARATE GW_INLINE
/* … and one that is out of the way of all packets but a few: called, not inlined, in both worlds.
 */
#define GW_COLD static __attribute__((noinline, cold, unused))
/* … and that is large and not for every packet: in user space a call, out of the others' way. */
#define GW_APART static __attribute__((noinline, unused))
/* Whether pointers inside what a GW_APART function's arguments point to are still pointers. */
#define GW_POINTERS_STAY 1

/* One frame in one buffer: [data, end) is the frame, [head_limit, tail_limit) what it may grow
 * into. */
struct gw_packet {
  uint8_t *data;
  uint8_t *end;
  uint8_t *head_limit;
  uint8_t *tail_limit;
  uint16_t interface_index; /* that it came in by: index of the datapath's interface */
};

/* Everything that the core reaches besides the packet. Counts are taken from *state. */
struct gw_port {
  const struct gw_state *state;
  const struct gw_service *services;
  const struct gw_pool *pools;
  const uint16_t *slots;
  const struct gw_backend *backends;

  const struct gw_nat_address *nat_addresses;

  struct gw_flow_bucket *buckets; /* all shards, one after the other */
  uint32_t buckets_per_shard;
  uint32_t shard_count;
  uint32_t shard; /* whose packets these are */

  uint32_t backend_traffic_count;
  uint32_t service_traffic_count;
  struct gw_counters *counters;
  struct gw_traffic *backend_traffic;
  struct gw_traffic *service_traffic;
  uint32_t turn_count; /* pools */
  struct gw_turn *turns;
  struct gw_nat_bucket *nat_buckets; /* planes, one after the other */
  uint32_t nat_bucket_count;
};

/* Multi-byte access at any alignment, in the byte order of the packet. */
GW_INLINE uint16_t gw_load16(const void *from) {
  uint16_t value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}
GW_INLINE uint32_t gw_load32(const void *from) {
  uint32_t value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}
GW_INLINE uint64_t gw_load64(const void *from) {
  uint64_t value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}
GW_INLINE void gw_store16(void *to, uint16_t value) { __builtin_memcpy(to, &value, sizeof value); }
GW_INLINE void gw_store32(void *to, uint32_t value) { __builtin_memcpy(to, &value, sizeof value); }
GW_INLINE void gw_store64(void *to, uint64_t value) { __builtin_memcpy(to, &value, sizeof value); }

/* The frame. After gw_packet_resize every pointer into it is to be taken anew. */
GW_INLINE uint8_t *gw_packet_data(const struct gw_packet *packet) { return packet->data; }
GW_INLINE uint8_t *gw_packet_end(const struct gw_packet *packet) { return packet->end; }

GW_INLINE int gw_is_shorter(const uint8_t *data, const uint8_t *end, uint32_t length) {
  return (uint32_t)(end - data) < length;
}

/* Adds `head` bytes in front and `tail` bytes behind (negative: removes). Returns 0, or -1 and
 * leaves the frame as it was when there is no room. */
GW_INLINE int gw_packet_resize(struct gw_packet *packet, int head, int tail) {
  if (head > packet->data - packet->head_limit || tail > packet->tail_limit - packet->end)
    return -1;
  if (packet->end - packet->data + head + tail <= 0) return -1;
  packet->data -= head;
  packet->end += tail;
  return 0;
}

/* The same of a tunnel's packet, a frame of `length` bytes: `head` more in front, and behind only
 * the first `kept` stay, without padding. REQUIRES: 0 < kept <= length. */
GW_INLINE int gw_packet_wrap(struct gw_packet *packet, uint32_t head, uint32_t length,
                             uint32_t kept) {
  (void)length;
  if (packet->data - packet->head_limit < (ptrdiff_t)head) return -1;
  packet->end = packet->data + kept;
  packet->data -= head;
  return 0;
}

/* Whether `c` is beyond `end`, where it cannot be: the verifier has to be told. */
#define GW_BEYOND(c, end) 0

/* A port on its way into a GW_SEPARATE function, and there: only its shard, its flow table and its
 * backends' records are to be had then. `room` lives as long as what is returned. */
typedef const struct gw_port *gw_port_part;
GW_INLINE gw_port_part gw_port_give(const struct gw_port *port) { return port; }
GW_INLINE const struct gw_port *gw_port_take(gw_port_part part, struct gw_port *room) {
  (void)room;
  return part;
}

/* What a GW_APART function is given in place of a packet and of a port, and how it makes them of
 * that again; `local` is where they may stand. */
typedef struct gw_packet gw_frame;
GW_INLINE gw_frame *gw_packet_frame(struct gw_packet *packet) { return packet; }
GW_INLINE struct gw_packet *gw_packet_again(gw_frame *frame, struct gw_packet *local) {
  (void)local;
  return frame;
}
GW_INLINE uint16_t gw_packet_interface(const struct gw_packet *packet) {
  return packet->interface_index;
}

/* Words of the flow table: one aligned 8-byte access each, see layout.h. */
GW_INLINE uint64_t gw_flow_load(const uint64_t *word) {
  return __atomic_load_n(word, __ATOMIC_RELAXED);
}
/* Its upper half alone: a tag. */
GW_INLINE uint32_t gw_flow_load_tag(const uint64_t *word) {
  return (uint32_t)(gw_flow_load(word) >> 32);
}
GW_INLINE void gw_flow_store(uint64_t *word, uint64_t value) {
  __atomic_store_n(word, value, __ATOMIC_RELAXED);
}

/* The value, of which the verifier is to remember nothing that it was compared with, and whose
 * origin the compiler is not to know: where it knows that a mask changes nothing it leaves it out,
 * and an older verifier needs it. */
GW_INLINE uint32_t gw_opaque(uint32_t value) { return value; }
/* Words that guard others, in the NAT table. What is read after the acquiring load was written
 * before the releasing one; what is read before gw_word_check() is older than what it reads. */
GW_INLINE uint64_t gw_word_acquire(const uint64_t *word) {
  return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}
GW_INLINE uint64_t gw_word_check(const uint64_t *word) {
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
  return __atomic_load_n(word, __ATOMIC_RELAXED);
}
/* Compares and swaps: returns what it held. What the caller wrote before is seen before, what it
 * writes next is seen after. */
GW_INLINE uint64_t gw_word_swap(uint64_t *word, uint64_t expected, uint64_t wanted) {
  __atomic_compare_exchange_n(word, &expected, wanted, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
  __atomic_thread_fence(__ATOMIC_RELEASE);
  return expected;
}

/* Index of the lowest set bit. REQUIRES: mask > 0 (and < 256, for the XDP program's). */
GW_INLINE uint32_t gw_lowest_bit(uint32_t mask) {
#ifdef GW_HAS_SSE2
  /* With this prefix it is `tzcnt` to processors that have that, and `bsf`, which on some takes
   * eight micro-operations, to others. */
  uint32_t index;
  __asm__("rep bsfl %1, %0" : "=r"(index) : "r"(mask) : "cc");
  return index;
#else
  return (uint32_t)__builtin_ctz(mask);
#endif
}

/* Of ways (bits of 0x5555, see flow_table.h): how many, and the lowest one. */
GW_INLINE uint32_t gw_count_ways(uint32_t ways) { return (uint32_t)__builtin_popcount(ways); }
GW_INLINE uint32_t gw_lowest_way(uint32_t ways) { return gw_lowest_bit(ways) / 2; }

/* Tables: a null pointer, or GW_NO_BACKEND, when the index is outside. */
GW_INLINE const struct gw_state *gw_port_state(const struct gw_port *port) { return port->state; }
/* REQUIRES: index < service_count of the state. */
GW_INLINE const struct gw_service *gw_port_service(const struct gw_port *port, uint32_t index) {
  return &port->services[index];
}
GW_INLINE const struct gw_pool *gw_port_pool(const struct gw_port *port, uint32_t id) {
  return id < port->state->pool_count ? &port->pools[id] : NULL;
}
GW_INLINE uint32_t gw_port_slot(const struct gw_port *port, uint32_t index) {
  return index < port->state->slot_count ? port->slots[index] : GW_NO_BACKEND;
}
GW_INLINE const struct gw_backend *gw_port_backend(const struct gw_port *port, uint32_t id) {
  return id < port->state->backend_count ? &port->backends[id] : NULL;
}
typedef const struct gw_port *gw_port_token;
GW_INLINE gw_port_token gw_port_to_token(const struct gw_port *port) { return port; }
GW_INLINE const struct gw_port *gw_port_again(gw_port_token token, struct gw_port *local) {
  (void)local;
  return token;
}
/* What the NAT table is reached by, of a port on its way into a GW_SEPARATE function. */
GW_INLINE gw_port_token gw_part_to_token(gw_port_part part) { return part; }
/* Declares a pointer to memory for one packet, which BPF's stack has no room for; null: there is
 * none. */
#define GW_SCRATCH(type, name) \
  type name##_memory;          \
  type *name = &name##_memory
GW_INLINE struct gw_nat_bucket *gw_port_nat_bucket(gw_port_token table, uint32_t index) {
  return index < table->nat_bucket_count ? &table->nat_buckets[index] : NULL;
}
GW_INLINE const struct gw_nat_address *gw_port_nat_address(const struct gw_port *port,
                                                           uint32_t index) {
  return index < port->state->nat_address_count ? &port->nat_addresses[index] : NULL;
}
GW_INLINE uint32_t gw_port_shard(const struct gw_port *port) { return port->shard; }
GW_INLINE uint32_t gw_port_shard_count(const struct gw_port *port) { return port->shard_count; }
GW_INLINE uint32_t gw_port_buckets_per_shard(const struct gw_port *port) {
  return port->buckets_per_shard;
}
GW_INLINE struct gw_flow_bucket *gw_port_bucket(const struct gw_port *port, uint32_t shard,
                                                uint32_t index) {
  if (shard >= port->shard_count || index >= port->buckets_per_shard) return NULL;
  return &port->buckets[(size_t)shard * port->buckets_per_shard + index];
}

/* The bucket of our own shard. REQUIRES: index < gw_port_buckets_per_shard(). */
GW_INLINE struct gw_flow_bucket *gw_port_own_bucket(const struct gw_port *port, uint32_t index) {
  struct gw_flow_bucket *own = port->buckets + (size_t)port->shard * port->buckets_per_shard;
  struct gw_flow_bucket *bucket = own + index;
  if (!bucket) __builtin_unreachable(); /* so that nobody need ask */
  return bucket;
}

/* Counters of this worker. Null when there are none for the id. */
GW_INLINE struct gw_counters *gw_port_counters(const struct gw_port *port) {
  return port->counters;
}
GW_INLINE struct gw_traffic *gw_port_backend_traffic(const struct gw_port *port, uint32_t id) {
  return id < port->backend_traffic_count ? &port->backend_traffic[id] : NULL;
}
GW_INLINE struct gw_traffic *gw_port_service_traffic(const struct gw_port *port, uint32_t id) {
  return id < port->service_traffic_count ? &port->service_traffic[id] : NULL;
}

/* Where this worker stands in the pool's ring; null when there is no such place. */
GW_INLINE struct gw_turn *gw_port_turn(const struct gw_port *port, uint32_t pool) {
  return pool < port->turn_count ? &port->turns[pool] : NULL;
}

GW_INLINE uint64_t gw_counter_read(const uint64_t *counter) {
  return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* Adds to a counter that only this thread writes and others read: a plain add, of which a reader
 * never sees half. (As C has it, made of two relaxed accesses, it is three instructions, eight
 * times a packet. ThreadSanitizer has to see it.) */
GW_INLINE void gw_counter_add(uint64_t *counter, uint64_t amount) {
#ifdef GW_HAS_SSE2
  __asm__("addq %1, %0" : "+m"(*counter) : "er"(amount) : "cc");
#else
  __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + amount, __ATOMIC_RELAXED);
#endif
}

#endif /* GUIDEWAY_CORE_PORT_NATIVE_H_ */
