/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stage 5, schedule: a backend for a packet that missed the flow table.
 * A miss is not a new flow: a TCP packet without SYN belongs to some connection, so the other
 * shards are asked first (its queue may have changed), and only then the slot table answers, which
 * gives the backend that a stateless balancer would. Under a coarse key the NIC spreads the
 * connections of one client over the shards, so there any packet may have its entry in another one;
 * and where new flows take turns (turns.h), a SYN that is sent again must not take another one.
 * Not asked for: UDP by five_tuple under maglev, where every new flow would pay for a change of
 * queues that hardly ever comes; then it goes by its slot.
 * Threading: as flow_table.h.
 * Source: Eisenbud et al., Maglev, NSDI 2016, §3.4 (lookup) and §5.3 (why both tables). */
#ifndef GUIDEWAY_CORE_SCHEDULE_H_
#define GUIDEWAY_CORE_SCHEDULE_H_

#include "guideway/core/flow_table.h"
#include "guideway/core/turns.h"

/* The backend in the hash's slot of a pool, or GW_NO_BACKEND. */
GW_INLINE uint32_t gw_slot_backend(const struct gw_port *port, uint32_t pool_id, uint64_t hash) {
  const struct gw_pool *pool = gw_port_pool(port, pool_id);
  if (!pool || pool->slot_count == 0) return GW_NO_BACKEND;
  return gw_port_slot(port, pool->slot_base + gw_hash_slot(hash, pool->slot_count));
}

/* Sets w->backend and w->record to `backend`, which stands in a slot. */
GW_INLINE enum gw_reason gw_use_slot(const struct gw_port *port, struct gw_work *w,
                                     uint32_t backend) {
  w->backend = (uint16_t)backend;
  if (w->backend == GW_NO_BACKEND) return GW_REASON_NO_BACKEND;
  w->record = gw_port_backend(port, w->backend);
  if (!w->record || !(w->record->flags & GW_BACKEND_USED)) {
    w->backend = GW_NO_BACKEND;
    return GW_REASON_BAD_TABLE;
  }
  return GW_GO_ON;
}

/* Sets them from the pool's slots. */
GW_INLINE enum gw_reason gw_pick_slot(const struct gw_port *port, struct gw_work *w) {
  return gw_use_slot(port, w, gw_slot_backend(port, w->service->pool, w->hash));
}

/* A TCP packet that is surely not its connection's first. */
GW_INLINE int gw_is_late_tcp(const struct gw_work *w) {
  return w->protocol == GW_PROTO_TCP && !(w->tcp_flags & GW_TCP_SYN);
}

/* Whether a packet that missed may have its entry in another shard. */
GW_INLINE int gw_may_be_elsewhere(const struct gw_port *port, const struct gw_work *w) {
  if (gw_port_shard_count(port) <= 1) return 0;
  uint32_t both = GW_SERVICE_PER_CONNECTION | GW_SERVICE_BY_TURNS;
  return gw_is_late_tcp(w) || (w->service->flags & both) != GW_SERVICE_PER_CONNECTION;
}

/* Chooses and records a backend. `ahead` as for gw_forward(). REQUIRES: gw_find_flow() said
 * miss. */
GW_INLINE enum gw_reason gw_schedule(const struct gw_port *port, struct gw_work *w, int ahead,
                                     uint32_t now_s) {
  struct gw_counters *counters = gw_port_counters(port);
  w->backend = GW_NO_BACKEND;
  if (gw_may_be_elsewhere(port, w)) {
    struct gw_shard_query query = {w->hash, (uint16_t)now_s, w->service->pool,
                                   w->service->idle_timeout_s, (uint16_t)gw_flow_needs(w)};
    uint64_t word = gw_search_other_shards(gw_port_give(port), &query);
    /* A connection on the ports of one that has ended is a new one there, too. */
    if (gw_is_syn(w) && gw_flow_state(word) == GW_FLOW_CLOSING) word = 0;
    w->record = word ? gw_port_backend(port, gw_flow_backend(word)) : NULL;
    if (w->record) {
      gw_counter_add(&counters->events[GW_EVENT_OTHER_SHARD], 1);
      w->backend = (uint16_t)gw_flow_backend(word);
      gw_insert_flow(port, w, gw_flow_next_state(w, gw_flow_state(word)), now_s);
      return GW_GO_ON;
    }
  }
  if (gw_is_late_tcp(w)) gw_counter_add(&counters->events[GW_EVENT_UNTRACKED_ESTABLISHED], 1);
  if (!gw_pick_by_turn(port, w)) {
    enum gw_reason reason =
        ahead && w->match == 0 ? gw_use_slot(port, w, w->slot) : gw_pick_slot(port, w);
    if (reason != GW_GO_ON) return reason;
  }
  gw_insert_flow(port, w, GW_FLOW_PROBATION, now_s);
  return GW_GO_ON;
}

#endif /* GUIDEWAY_CORE_SCHEDULE_H_ */
