/* SPDX-License-Identifier: Apache-2.0 */
/* What the feeder (feeder.bpf.c) and xdp_bench share: which packets to make, and when they were
 * made.
 * Threading: written before a run, read after it; in between it is the feeder's. */
#ifndef GUIDEWAY_TESTS_BENCH_FEED_H_
#define GUIDEWAY_TESTS_BENCH_FEED_H_

#include "guideway/core/types.h"

/* The programs that the feeder can call. */
enum bench_program { BENCH_EMPTY, BENCH_GUIDEWAY, BENCH_LRU, BENCH_PROGRAMS };

enum {
  BENCH_FRAME_LENGTH = 60, /* 64 with the checksum that the NIC takes off */
  BENCH_SLICE = 4096,      /* packets between two stamps: a power of two */
  BENCH_STAMPS = 1024,     /* a power of two; later ones overwrite the first */
};

struct bench_feed {
  /* The user's part. */
  uint64_t seed;
  uint64_t next;      /* number of the next packet; the feeder counts it up */
  uint32_t flows;     /* random flow numbers below it; 0: the flow is the packet's number */
  uint32_t program;   /* enum bench_program */
  uint32_t growth;    /* bytes that the program puts in front of a frame */
  uint32_t tcp_flags; /* of every packet */
  uint32_t vip;       /* IPv4, as it stands in a packet */
  uint32_t port;      /* destination port, host byte order */
  /* The feeder's part. */
  uint64_t made;                 /* packets of this run */
  uint64_t stamps[BENCH_STAMPS]; /* bpf_ktime_get_ns() before packet 0, BENCH_SLICE, … of the run */
};
GW_STATIC_ASSERT(sizeof(struct bench_feed) == 48 + 8 * BENCH_STAMPS, "no padding");

#endif /* GUIDEWAY_TESTS_BENCH_FEED_H_ */
