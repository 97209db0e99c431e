/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the XDP program and guidewayd share beside the core's own tables: the program's read-only
 * switches, the word that names the live copy, the workers' heartbeats, and how tables are laid
 * out in maps. Compiled on both sides (C11 for BPF, C++20), with the sizes asserted.
 * Threading: see each structure. */
#ifndef GUIDEWAY_CORE_KERNEL_SHARED_H_
#define GUIDEWAY_CORE_KERNEL_SHARED_H_

#include "guideway/core/layout.h"

/* Every forwarding table stands in its map so many times: one live, one that readers may still
 * have, one being filled, one in reserve. */
#define GW_COPIES 4u
/* Slots are held in lines of one cache line each: array values are rounded up to 8 bytes anyway. */
#define GW_SLOTS_PER_LINE 32u
#define GW_MAX_INTERFACES 16u
/* A worker that has not written its heartbeat for so long is taken for dead. The coarse clock moves
 * in steps of up to 4 ms, and a worker sleeps at most 1 ms. */
#define GW_HEARTBEAT_TIMEOUT_NS 20000000u

/* Set by the loader before loading: constants to the verifier, so what is switched off is not even
 * compiled by the kernel. */
struct gw_limits {
  uint32_t services; /* entries of the service table, per copy; likewise below */
  uint32_t pools;
  uint32_t slot_lines;
  uint32_t backends;
  uint32_t buckets_per_shard;
  uint32_t shards;
  uint32_t cpus;            /* rows in the counter maps */
  uint32_t interface_index; /* of the interface that this instance of the program serves */
  uint32_t hand_over;       /* 1: packets for a service go to a live worker */
  uint32_t test;            /* 1: gw_test is used */
  uint32_t service_ids;     /* every id of a service is below */
  uint32_t nat_planes;      /* of the NAT table: an address each; 0: there is none */
};
GW_STATIC_ASSERT(sizeof(struct gw_limits) == 48, "as the loader writes it");

/* For tests, which run the program without devices. */
struct gw_test {
  uint32_t now_s;           /* in: the time */
  uint32_t interface_index; /* out: where the packet was last sent */
};
GW_STATIC_ASSERT(sizeof(struct gw_test) == 8, "as the tests see it");

/* The section of the program that gw_control is in, and so libbpf's name for its map. */
#define GW_CONTROL_SECTION ".data.control"

/* live_copy: the word that a packet reads first. Written by guidewayd alone, by one aligned store,
 * after the copy that it names is complete. */
struct gw_control {
  uint32_t live_copy; /* below GW_COPIES; else every packet passes to the kernel */
  uint32_t reserved[15];
  /* On a line of its own, for people: when guidewayd was last alive, CLOCK_MONOTONIC_COARSE. */
  uint64_t daemon_alive_s;
  uint64_t reserved2[7];
  /* Of each copy, what holds for all packets. */
  struct gw_state states[GW_COPIES];
};
GW_STATIC_ASSERT(sizeof(struct gw_control) == 128 + 128 * GW_COPIES, "whole cache lines");

/* One queue's worker says that it lives: CLOCK_MONOTONIC_COARSE in ns. Written by the worker, read
 * by the program, 8 bytes at once. */
struct gw_heartbeat {
  uint64_t coarse_ns;
  uint64_t reserved[7];
};
GW_STATIC_ASSERT(sizeof(struct gw_heartbeat) == 64, "one cache line");

/* Whole seconds of a clock in nanoseconds, by three instructions: a division takes a CPU some 20
 * cycles. A second begins late: by 17 ms, and by another 16 ms for each year since boot. Below
 * 2^60 ns, 36 years. */
GW_INLINE uint32_t gw_seconds(uint64_t ns) {
  return (uint32_t)((ns >> 24) * 144115188u >> 33); /* 2^57 / 10^9 */
}

struct gw_slot_line {
  uint16_t slots[GW_SLOTS_PER_LINE];
};
GW_STATIC_ASSERT(sizeof(struct gw_slot_line) == 64, "one cache line");

/* Turns that a CPU has room for in gw_turns: whole cache lines. */
GW_INLINE uint32_t gw_turns_each(uint32_t pools) { return (pools + 7) & ~7u; }

/* The counters of one CPU. In the map they are followed by a struct gw_traffic for each of
 * limits.backends and each of limits.service_ids: one lookup finds all that a packet counts.
 * Written by that CPU alone. */
struct gw_cpu_counters {
  struct gw_counters counters;
  /* The program's own: the coarse clock, and the kernel's jiffies when it was read. */
  uint64_t coarse_ns;
  uint64_t jiffies;
} __attribute__((aligned(64)));

#endif /* GUIDEWAY_CORE_KERNEL_SHARED_H_ */
