/* SPDX-License-Identifier: Apache-2.0 */
/* The balancer with another flow table, for comparison: the kernel's LRU hash, as XDP load
 * balancers usually have it. Maps, tables, and every stage but the flow table's are the core's.
 * It is spared what ours does beside the lookup: no states, no times, the flow hash only for a
 * flow that is new. */
#include "port_bpf.h"

#include "guideway/core/balance.h"

char gw_license[] SEC("license") = "Dual BSD/GPL";

struct bench_lru_key {
  __u32 source[4];
  __u32 destination[4];
  __u32 ports;
  __u8 protocol;
  __u8 padding[3];
};
_Static_assert(sizeof(struct bench_lru_key) == 40, "the usual key");

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 1); /* set by the loader: as many as the balancer's flow table has */
  __type(key, struct bench_lru_key);
  __type(value, __u32); /* backend id */
} bench_lru SEC(".maps");

GW_INLINE void make_key(struct bench_lru_key *key, const struct gw_work *w) {
  __builtin_memset(key, 0, sizeof *key);
  for (int i = 0; i < 4; i++) {
    key->source[i] = w->source[i];
    key->destination[i] = w->destination[i];
  }
  key->ports = w->ports;
  key->protocol = w->protocol;
}

/* Sets w->backend and w->record from the flow's entry, if there is one for this pool. */
GW_INLINE int find(const struct gw_port *port, struct gw_work *w, const struct bench_lru_key *key) {
  const __u32 *backend = bpf_map_lookup_elem(&bench_lru, key);
  if (!backend) return 0;
  w->backend = (uint16_t)*backend;
  w->record = gw_port_backend(port, w->backend);
  return w->record && w->record->pool == w->service->pool && (w->record->flags & GW_BACKEND_USED);
}

GW_INLINE enum gw_reason forward(const struct gw_port *port, struct gw_packet *packet,
                                 struct gw_work *w) {
  struct gw_counters *counters = gw_port_counters(port);
  struct bench_lru_key key;
  make_key(&key, w);
  if (find(port, w, &key)) {
    gw_counter_add(&counters->events[GW_EVENT_FLOW_HIT], 1);
    return gw_rewrite(packet, w);
  }
  gw_counter_add(&counters->events[GW_EVENT_FLOW_MISS], 1);
  w->hash = gw_flow_hash(&gw_port_state(port)->hash_key, w, w->service);
  enum gw_reason reason = gw_pick_slot(port, w);
  if (reason != GW_GO_ON) return reason;
  __u32 backend = w->backend;
  bpf_map_update_elem(&bench_lru, &key, &backend, BPF_ANY);
  gw_counter_add(&counters->events[GW_EVENT_FLOW_NEW], 1);
  return gw_rewrite(packet, w);
}

SEC("xdp")
int balancer_lru(struct xdp_md *context) {
  struct gw_packet packet = {.context = context};
  struct gw_port port;
  struct gw_work work;
  struct gw_work *w = gw_in_memory(&work);
  __u32 copy = *(const volatile __u32 *)&gw_control.live_copy;
  if (copy >= GW_COPIES) return XDP_PASS;
  port.state = gw_once(&gw_control.states[copy]);
  port.first_backend = port.state->first_backend;
  port.shard = 0;
  __u32 cpu = bpf_get_smp_processor_id();
  struct gw_cpu_counters *mine = bpf_map_lookup_elem(&gw_cpu_counters, &cpu);
  if (!mine) return XDP_PASS;
  port.counters = &mine->counters;

  enum gw_reason reason = gw_parse(gw_packet_data(&packet), gw_packet_end(&packet), w);
  reason = gw_find_service(&port, w, reason);
  if (reason == GW_GO_ON) reason = gw_admit(w);
  if (reason == GW_GO_ON) reason = forward(&port, &packet, w);
  struct gw_outcome outcome = gw_account(&port, w, reason);
  if (outcome.verdict == GW_KERNEL) return XDP_PASS;
  return outcome.verdict == GW_FORWARD ? XDP_TX : XDP_DROP;
}
