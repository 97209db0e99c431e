/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The core as an XDP program: maps and accessors (port_bpf.h), the pipeline (core/balance.h), the
 * hand-over to a worker, and the translation of verdicts. There is no packet logic here.
 * The name of the program and the words in "xdp_metadata" are those that libxdp looks for: a DPDK
 * worker's AF_XDP socket then joins this program rather than replacing it. */
#include "port_bpf.h"

#include "guideway/core/balance.h"

char gw_license[] SEC("license") = "Dual BSD/GPL";

__uint(xsk_prog_version, 1) SEC("xdp_metadata");

/* Whether the worker of this queue has been seen within GW_HEARTBEAT_TIMEOUT_NS. */
GW_INLINE int worker_lives(__u32 queue, __u64 now_ns) {
  const struct gw_heartbeat *beat = bpf_map_lookup_elem(&gw_heartbeats, &queue);
  if (!beat) return 0;
  __u64 beat_ns = *(const volatile __u64 *)&beat->coarse_ns;
  /* A beat ahead of our clock (it was written after we read it) is young. */
  return beat_ns + GW_HEARTBEAT_TIMEOUT_NS > now_ns;
}

/* A backend's packet leaves by the interface that its record names. */
GW_INLINE int send_out(__u32 interface_index) {
  if (gw_limits.test) gw_test.interface_index = interface_index;
  if (interface_index == gw_limits.interface_index) return XDP_TX;
  return (int)bpf_redirect_map(&gw_devices, interface_index, XDP_DROP);
}

SEC("xdp")
int xsk_def_prog(struct xdp_md *context) {
  struct gw_packet packet = {.context = context};
  struct gw_port port;
  struct gw_work work;
  struct gw_work *w = gw_in_memory(&work);
  __u32 shards = gw_limits.shards;

  __u32 copy = *(const volatile __u32 *)&gw_control.live_copy;
  if (copy >= GW_COPIES) return XDP_PASS;
  port.copy = copy;
  port.state = gw_once(&gw_control.states[copy]);
  port.first_backend = port.state->first_backend;
  __u32 cpu = bpf_get_smp_processor_id();
  struct gw_cpu_counters *mine = bpf_map_lookup_elem(&gw_cpu_counters, &cpu);
  if (!mine) return XDP_PASS;
  port.counters = &mine->counters;
  port.shard = context->rx_queue_index;
  if (port.shard >= shards) port.shard %= shards;

  enum gw_reason reason = gw_classify(&port, &packet, w);
  __u64 now_ns = gw_coarse_ns(mine);
  /* ICMP may turn out to be the host's, which a worker cannot give it to: it stays here. */
  if (gw_limits.hand_over && gw_reason_verdict(reason) != GW_KERNEL && !gw_is_icmp(reason)) {
    __u32 queue = context->rx_queue_index;
    /* The worker counts it: here it has only been looked at. */
    if (worker_lives(queue, now_ns) && bpf_redirect_map(&xsks_map, queue, 0) == XDP_REDIRECT)
      return XDP_REDIRECT;
    gw_counter_add(&port.counters->events[GW_EVENT_WORKER_ABSENT], 1);
  }
  __u32 now_s = gw_limits.test ? gw_test.now_s : gw_seconds(now_ns);
  struct gw_outcome outcome = gw_conclude(&port, &packet, w, reason, now_s);
  switch (outcome.verdict) {
    case GW_FORWARD:
      return send_out(outcome.interface_index);
    case GW_REPLY:
      return XDP_TX;
    case GW_KERNEL:
      return XDP_PASS;
    default:
      return XDP_DROP;
  }
}
