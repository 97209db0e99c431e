/* SPDX-License-Identifier: Apache-2.0 */
/* The feeder: makes a packet out of a number and calls the program under test with it.
 * BPF_PROG_TEST_RUN with `repeat` gives each run the frame that the last one left, so an
 * encapsulating program would soon see its own output; this program puts frame and length back
 * first. It costs the same whatever it calls, so what it costs with the empty program is
 * subtracted. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "feed.h"

char gw_license[] SEC("license") = "Dual BSD/GPL";

struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(max_entries, BENCH_PROGRAMS);
  __type(key, __u32);
  __type(value, __u32);
} bench_programs SEC(".maps");

struct bench_feed bench_feed = {};

/* SplitMix64's mixing step. */
GW_INLINE __u64 mix(__u64 value) {
  value ^= value >> 30;
  value *= 0xbf58476d1ce4e5b9u;
  value ^= value >> 27;
  value *= 0x94d049bb133111ebu;
  return value ^ value >> 31;
}

/* Bytes a, b, … of a packet, from the lowest address, as one little-endian word. */
#define BYTES(a, b, c, d, e, f, g, h)                                                      \
  ((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 | (__u64)(e) << 32 | \
   (__u64)(f) << 40 | (__u64)(g) << 48 | (__u64)(h) << 56)

/* A TCP packet with 20 bytes of IPv4 and of TCP header and 6 of payload, so that Ethernet's least
 * frame is full: padding would cost each program a call that cuts it off. Random are source
 * address and port. Every field that a program loads lies within one of these stores: a load that
 * spans two would wait for both to leave the store buffer, which no received packet makes it do. */
GW_INLINE void write_frame(__u8 *data, __u64 flow) {
  const struct bench_feed *feed = &bench_feed;
  __u64 client = mix(flow ^ feed->seed);
  __u64 destination_port = (__u64)((feed->port & 0xff) << 8 | (feed->port >> 8 & 0xff));
  *(__u64 *)(data + 0) = BYTES(2, 0, 0, 0, 0, 1, 2, 0);
  *(__u64 *)(data + 8) = BYTES(0, 0, 0, 2, 0x08, 0x00, 0x45, 0);
  *(__u64 *)(data + 16) = BYTES(0, 46, 0, 0, 0x40, 0, 64, 6);
  *(__u16 *)(data + 24) = 0; /* the checksum: changed, but not verified */
  *(__u64 *)(data + 26) = (client & 0xffffffff) | (__u64)feed->vip << 32;
  *(__u64 *)(data + 34) = client >> 48 | destination_port << 16;
  *(__u64 *)(data + 42) = BYTES(0, 0, 0, 0, 0x50, feed->tcp_flags & 0xff, 0xff, 0xff);
  *(__u64 *)(data + 50) = 0;
  *(__u16 *)(data + 58) = 0;
}

SEC("xdp")
int bench_feeder(struct xdp_md *context) {
  struct bench_feed *feed = &bench_feed;
  int length = (int)(context->data_end - context->data);
  int growth = length > BENCH_FRAME_LENGTH ? (int)feed->growth : 0;
  if (bpf_xdp_adjust_head(context, growth) != 0) return XDP_ABORTED;
  int missing = BENCH_FRAME_LENGTH - (length - growth);
  if (missing != 0 && bpf_xdp_adjust_tail(context, missing) != 0) return XDP_ABORTED;
  __u8 *data = (__u8 *)(long)context->data;
  if (data + BENCH_FRAME_LENGTH > (__u8 *)(long)context->data_end) return XDP_ABORTED;

  __u64 made = feed->made++;
  if (made % BENCH_SLICE == 0) feed->stamps[made / BENCH_SLICE % BENCH_STAMPS] = bpf_ktime_get_ns();
  __u64 number = feed->next++;
  __u64 random = (mix(number + 0x9e3779b97f4a7c15u) >> 32) * feed->flows >> 32;
  write_frame(data, feed->flows ? random : number);
  bpf_tail_call(context, &bench_programs, feed->program);
  return XDP_ABORTED;
}

/* What is subtracted. */
SEC("xdp")
int bench_empty(struct xdp_md *context) {
  (void)context;
  return XDP_TX;
}
