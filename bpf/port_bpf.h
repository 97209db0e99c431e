/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The port layer of the XDP program: the same functions as core/port_native.h, over BPF array maps.
 * Tables exist in GW_COPIES copies side by side in each map; a packet reads the number of the live
 * copy once. Sizes are read-only data, set before loading. Array lookups are inlined by the kernel:
 * no call per table access. Counter maps are plain arrays with a row for each CPU, so that they are
 * inlined too, and guidewayd reads them through a memory mapping.
 * Threading: generic XDP may run a shard on several CPUs at once; a CPU runs one packet at a time.
 */
#ifndef GUIDEWAY_BPF_PORT_BPF_H_
#define GUIDEWAY_BPF_PORT_BPF_H_

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "guideway/core/kernel_shared.h"
#include "guideway/core/layout.h"

/* A global function: verified once, for all arguments, and called. Pointers inside what its
 * arguments point to are plain numbers to it. */
#define GW_SEPARATE __attribute__((noinline))
#define GW_COLD static __attribute__((noinline, unused))
#define GW_APART GW_SEPARATE
#define GW_POINTERS_STAY 0

const volatile struct gw_limits gw_limits = {};

/* Used when limits.test is set. */
volatile struct gw_test gw_test = {};

/* Global data: a map of one value, whose address is in the instructions. A lookup is eleven of
 * them, and there were two: for the live copy, and for its state. */
struct gw_control gw_control SEC(GW_CONTROL_SECTION) = {.live_copy = GW_COPIES};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1); /* GW_COPIES * limits.services */
  __type(key, __u32);
  __type(value, struct gw_service);
} gw_services SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1); /* GW_COPIES * limits.pools */
  __type(key, __u32);
  __type(value, struct gw_pool);
} gw_pools SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1); /* GW_COPIES * limits.slot_lines */
  __type(key, __u32);
  __type(value, struct gw_slot_line);
} gw_slots SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1); /* GW_COPIES * limits.backends */
  __type(key, __u32);
  __type(value, struct gw_backend);
} gw_backends SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1); /* limits.shards * limits.buckets_per_shard */
  __type(key, __u32);
  __type(value, struct gw_flow_bucket);
} gw_buckets SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1); /* GW_COPIES * limits.nat_planes */
  __type(key, __u32);
  __type(value, struct gw_nat_address);
} gw_nat_addr SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1); /* limits.nat_planes * GW_NAT_PLANE */
  __type(key, __u32);
  __type(value, struct gw_nat_bucket);
} gw_nat_buckets SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1); /* limits.cpus */
  __uint(key_size, sizeof(__u32));
  /* and a struct gw_traffic for each backend and service */
  __uint(value_size, sizeof(struct gw_cpu_counters));
} gw_cpu_counters SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1); /* limits.cpus * gw_turns_each(limits.pools) */
  __type(key, __u32);
  __type(value, struct gw_turn);
} gw_turns SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, GW_MAX_SHARDS); /* by queue */
  __type(key, __u32);
  __type(value, struct gw_heartbeat);
} gw_heartbeats SEC(".maps");

/* The director's interfaces, by gw_backend::interface_index: their kernel indexes. */
struct {
  __uint(type, BPF_MAP_TYPE_DEVMAP);
  __uint(max_entries, GW_MAX_INTERFACES);
  __type(key, __u32);
  __type(value, __u32);
} gw_devices SEC(".maps");

/* The workers' AF_XDP sockets, by queue. libxdp finds this map by its name. */
struct {
  __uint(type, BPF_MAP_TYPE_XSKMAP);
  __uint(max_entries, GW_MAX_SHARDS);
  __type(key, __u32);
  __type(value, __u32);
} xsks_map SEC(".maps");

/* A packet's memory beside the stack. */
struct gw_scratch_memory {
  __u64 words[48];
};
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct gw_scratch_memory);
} gw_scratch SEC(".maps");
GW_INLINE void *gw_find_scratch(void) {
  __u32 first = 0;
  return bpf_map_lookup_elem(&gw_scratch, &first);
}
#define GW_SCRATCH(type, name)                                                       \
  _Static_assert(sizeof(type) <= sizeof(struct gw_scratch_memory), "it has to fit"); \
  type *name = gw_find_scratch()

struct gw_work;

/* Shows *work to the assembler, so that the compiler leaves it in memory. It would rather keep each
 * of its fields in a register; BPF has ten, and every branch of the parser then writes some twenty
 * of them to the stack, most of them zeros. (514 instructions a packet without this, 493 with.) Its
 * address stays known, so that no register is needed for it. */
GW_INLINE struct gw_work *gw_in_memory(struct gw_work *work) {
  __asm__ volatile("" : : "r"(work) : "memory");
  return work;
}

/* Hides how the address of the state came about: the compiler would compute it anew at each use,
 * since it is made of a constant. (507 instructions a packet without this, 493 with.) */
GW_INLINE const struct gw_state *gw_once(const struct gw_state *state) {
  __asm__ volatile("" : "+r"(state));
  return state;
}

/* The coarse clock, which moves with the jiffies: it is asked once in each of them, since a call
 * out of the program costs more than all of parsing. So it is up to a tick older than the kernel's
 * own. */
GW_INLINE __u64 gw_coarse_ns(struct gw_cpu_counters *mine) {
  __u64 jiffies = bpf_jiffies64();
  if (mine->jiffies != jiffies) {
    mine->jiffies = jiffies;
    mine->coarse_ns = bpf_ktime_get_coarse_ns();
  }
  return mine->coarse_ns;
}

struct gw_packet {
  struct xdp_md *context;
};

struct gw_port {
  const struct gw_state *state;
  struct gw_counters *counters;
  __u32 first_backend; /* of *state, for functions that are verified by themselves */
  __u32 shard;
  __u32 copy; /* whose state it is */
};
GW_STATIC_ASSERT(GW_MAX_SHARDS <= 256, "a token has a byte for the shard");

GW_INLINE uint16_t gw_load16(const void *from) { return *(const uint16_t *)from; }
GW_INLINE uint32_t gw_load32(const void *from) { return *(const uint32_t *)from; }
GW_INLINE uint64_t gw_load64(const void *from) { return *(const uint64_t *)from; }
GW_INLINE void gw_store16(void *to, uint16_t value) { *(uint16_t *)to = value; }
GW_INLINE void gw_store32(void *to, uint32_t value) { *(uint32_t *)to = value; }
GW_INLINE void gw_store64(void *to, uint64_t value) { *(uint64_t *)to = value; }

GW_INLINE uint8_t *gw_packet_data(const struct gw_packet *packet) {
  return (uint8_t *)(long)packet->context->data;
}
GW_INLINE uint8_t *gw_packet_end(const struct gw_packet *packet) {
  return (uint8_t *)(long)packet->context->data_end;
}
GW_INLINE int gw_is_shorter(const uint8_t *data, const uint8_t *end, uint32_t length) {
  return data + length > end;
}
GW_INLINE int gw_packet_resize(struct gw_packet *packet, int head, int tail) {
  if (head != 0 && bpf_xdp_adjust_head(packet->context, -head) != 0) return -1;
  if (tail != 0 && bpf_xdp_adjust_tail(packet->context, tail) != 0) return -1;
  return 0;
}

GW_INLINE int gw_packet_wrap(struct gw_packet *packet, uint32_t head, uint32_t length,
                             uint32_t kept) {
  return gw_packet_resize(packet, (int)head, (int)(kept - length));
}
#define GW_BEYOND(c, end) ((c) > (end))

/* Numbers, not memory: that would be on the caller's stack. */
typedef uint64_t gw_port_part;
GW_INLINE gw_port_part gw_port_give(const struct gw_port *port) {
  return (uint64_t)port->first_backend << 32 | port->shard;
}
GW_INLINE const struct gw_port *gw_port_take(gw_port_part part, struct gw_port *room) {
  room->state = NULL;
  room->counters = NULL;
  room->first_backend = (__u32)(part >> 32);
  room->shard = (__u32)part;
  return room;
}

typedef struct xdp_md gw_frame;
GW_INLINE gw_frame *gw_packet_frame(struct gw_packet *packet) { return packet->context; }
GW_INLINE struct gw_packet *gw_packet_again(gw_frame *frame, struct gw_packet *local) {
  local->context = frame;
  return local;
}
GW_INLINE uint16_t gw_packet_interface(const struct gw_packet *packet) {
  (void)packet;
  return (uint16_t)gw_limits.interface_index;
}

GW_INLINE uint64_t gw_flow_load(const uint64_t *word) { return *(const volatile uint64_t *)word; }
GW_INLINE uint32_t gw_flow_load_tag(const uint64_t *word) {
  return *((const volatile uint32_t *)word + 1);
}
GW_INLINE void gw_flow_store(uint64_t *word, uint64_t value) { *(volatile uint64_t *)word = value; }

GW_INLINE uint32_t gw_opaque(uint32_t value) {
  __asm__ volatile("" : "+r"(value));
  return value;
}

/* BPF of this age has no barriers but its atomic instructions. On x86 loads stay in their order,
 * and so do stores. */
GW_INLINE uint64_t gw_word_acquire(const uint64_t *word) {
  return *(const volatile uint64_t *)word;
}
GW_INLINE uint64_t gw_word_check(const uint64_t *word) {
  __asm__ volatile("" : : : "memory");
  return *(const volatile uint64_t *)word;
}
GW_INLINE uint64_t gw_word_swap(uint64_t *word, uint64_t expected, uint64_t wanted) {
  return __sync_val_compare_and_swap(word, expected, wanted);
}

/* Without a branch, of which the verifier would follow both sides: multiplied by the de Bruijn
 * sequence 00011101, the lowest bit puts its own index, in disguise, into three bits. */
GW_INLINE uint32_t gw_lowest_bit(uint32_t mask) {
  uint32_t lowest = mask & -mask;
  uint32_t disguised = (lowest * 0x1d >> 5) & 7;
  return (0x34572610u >> (disguised * 4)) & 7;
}

GW_INLINE uint32_t gw_count_ways(uint32_t ways) {
  ways = (ways & 0x1111) + ((ways >> 2) & 0x1111);
  ways = ways + (ways >> 4);
  return (ways + (ways >> 8)) & 0x0f;
}
GW_INLINE uint32_t gw_lowest_way(uint32_t ways) {
  uint32_t below_lowest = (ways & -ways) - 1;
  return gw_count_ways(below_lowest & 0x5555);
}

GW_INLINE const struct gw_state *gw_port_state(const struct gw_port *port) { return port->state; }
GW_INLINE const struct gw_service *gw_port_service(const struct gw_port *port, uint32_t index) {
  /* Not compared with the size: the core makes it by a mask from the state. */
  uint32_t key = port->state->first_service + index;
  return bpf_map_lookup_elem(&gw_services, &key);
}
GW_INLINE const struct gw_pool *gw_port_pool(const struct gw_port *port, uint32_t id) {
  uint32_t key = port->state->first_pool + id;
  if (id >= gw_limits.pools) return NULL;
  return bpf_map_lookup_elem(&gw_pools, &key);
}
GW_INLINE uint32_t gw_port_slot(const struct gw_port *port, uint32_t index) {
  uint32_t line_index = index / GW_SLOTS_PER_LINE;
  uint32_t key = port->state->first_slot_line + line_index;
  if (line_index >= gw_limits.slot_lines) return GW_NO_BACKEND;
  const struct gw_slot_line *line = bpf_map_lookup_elem(&gw_slots, &key);
  return line ? line->slots[index % GW_SLOTS_PER_LINE] : GW_NO_BACKEND;
}
GW_INLINE const struct gw_backend *gw_port_backend(const struct gw_port *port, uint32_t id) {
  uint32_t key = port->first_backend + id;
  if (id >= gw_limits.backends) return NULL;
  return bpf_map_lookup_elem(&gw_backends, &key);
}
/* Copy << 8 | shard. */
typedef __u32 gw_port_token;
GW_INLINE gw_port_token gw_port_to_token(const struct gw_port *port) {
  return port->copy << 8 | (port->shard & 0xff);
}
GW_INLINE const struct gw_port *gw_port_again(gw_port_token token, struct gw_port *local) {
  __u32 copy = token >> 8;
  __u32 cpu = bpf_get_smp_processor_id();
  struct gw_cpu_counters *mine = bpf_map_lookup_elem(&gw_cpu_counters, &cpu);
  if (!mine || copy >= GW_COPIES) return NULL;
  local->state = gw_once(&gw_control.states[copy]);
  local->counters = &mine->counters;
  local->first_backend = local->state->first_backend;
  local->shard = token & 0xff;
  local->copy = copy;
  return local;
}
/* Only good for what needs no copy and no shard: gw_port_nat_bucket(). */
GW_INLINE gw_port_token gw_part_to_token(gw_port_part part) { return (gw_port_token)part; }
GW_INLINE struct gw_nat_bucket *gw_port_nat_bucket(gw_port_token table, uint32_t index) {
  __asm__ volatile("" : : "r"(table)); /* an argument that is not used would not be passed */
  if (index >= gw_limits.nat_planes * GW_NAT_PLANE) return NULL;
  return bpf_map_lookup_elem(&gw_nat_buckets, &index);
}
GW_INLINE const struct gw_nat_address *gw_port_nat_address(const struct gw_port *port,
                                                           uint32_t index) {
  uint32_t key = port->state->first_nat_address + index;
  if (index >= gw_limits.nat_planes) return NULL;
  return bpf_map_lookup_elem(&gw_nat_addr, &key);
}
GW_INLINE uint32_t gw_port_shard(const struct gw_port *port) { return port->shard; }
GW_INLINE uint32_t gw_port_shard_count(const struct gw_port *port) {
  (void)port;
  return gw_limits.shards;
}
GW_INLINE uint32_t gw_port_buckets_per_shard(const struct gw_port *port) {
  (void)port;
  return gw_limits.buckets_per_shard;
}
GW_INLINE struct gw_flow_bucket *gw_port_bucket(const struct gw_port *port, uint32_t shard,
                                                uint32_t index) {
  uint32_t key = shard * gw_limits.buckets_per_shard + index;
  (void)port;
  return bpf_map_lookup_elem(&gw_buckets, &key);
}
GW_INLINE struct gw_flow_bucket *gw_port_own_bucket(const struct gw_port *port, uint32_t index) {
  return gw_port_bucket(port, port->shard, index);
}
GW_INLINE struct gw_counters *gw_port_counters(const struct gw_port *port) {
  return port->counters;
}
/* Behind the counters in the same row. The barriers keep the index in one register from before the
 * comparison to the addition behind it, as the verifier wants it. */
GW_INLINE struct gw_traffic *gw_traffic_behind(const struct gw_port *port, uint64_t first,
                                               uint64_t count, uint64_t index) {
  struct gw_cpu_counters *row = (struct gw_cpu_counters *)port->counters;
  __asm__ volatile("" : "+r"(index));
  if (index >= count) return NULL;
  __asm__ volatile("" : "+r"(index));
  return (struct gw_traffic *)(row + 1) + (first + index);
}
GW_INLINE struct gw_traffic *gw_port_backend_traffic(const struct gw_port *port, uint32_t id) {
  return gw_traffic_behind(port, 0, gw_limits.backends, id);
}
GW_INLINE struct gw_traffic *gw_port_service_traffic(const struct gw_port *port, uint32_t id) {
  return gw_traffic_behind(port, gw_limits.backends, gw_limits.service_ids, id);
}
GW_INLINE struct gw_turn *gw_port_turn(const struct gw_port *port, uint32_t pool) {
  uint32_t key = bpf_get_smp_processor_id() * gw_turns_each(gw_limits.pools) + pool;
  (void)port;
  if (pool >= gw_limits.pools) return NULL;
  return bpf_map_lookup_elem(&gw_turns, &key);
}
GW_INLINE uint64_t gw_counter_read(const uint64_t *counter) {
  return *(const volatile uint64_t *)counter;
}
GW_INLINE void gw_counter_add(uint64_t *counter, uint64_t amount) { *counter += amount; }

#endif /* GUIDEWAY_BPF_PORT_BPF_H_ */
