/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The core as an XDP program: maps and accessors (port_bpf.h), the pipeline (core/balance.h), and
 * the translation of its verdict. There is no packet logic here. In this version it is loaded by
 * the tests only: they hold it against the verifier. */
#include "port_bpf.h"

#include "guideway/core/balance.h"

char gw_license[] SEC("license") = "Dual BSD/GPL";

SEC("xdp")
int xsk_def_prog(struct xdp_md *context) {
  struct gw_packet packet = {.context = context};
  struct gw_port port = {.shard = context->rx_queue_index};
  __u32 zero = 0;

  const struct gw_control *control = bpf_map_lookup_elem(&gw_control, &zero);
  if (!control) return XDP_PASS;
  port.copy = *(const volatile __u32 *)&control->live_copy;
  port.state = bpf_map_lookup_elem(&gw_states, &port.copy);
  port.counters = bpf_map_lookup_elem(&gw_counter_map, &zero);
  if (!port.state || !port.counters) return XDP_PASS;
  if (port.shard >= gw_limits.shards) port.shard = 0;

  __u32 now_s = (__u32)(bpf_ktime_get_coarse_ns() / 1000000000u);
  struct gw_outcome outcome = gw_balance(&port, &packet, now_s);
  switch (outcome.verdict) {
    case GW_FORWARD:
    case GW_REPLY:
      return XDP_TX;
    case GW_KERNEL:
      return XDP_PASS;
    default:
      return XDP_DROP;
  }
}
