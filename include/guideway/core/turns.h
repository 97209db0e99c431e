/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Taking turns: how the schedulers other than maglev choose a backend for a new flow.
 * The control side compiles a pool's backends into a ring, in which each stands as often as its
 * weight says, as evenly spread as can be. Every worker goes round it by itself, from a place of
 * its own.
 *
 * - round_robin, weighted_round_robin: whoever stands where the worker is.
 * - least_connections, weighted_least_connections: two candidates, the one where the worker is and
 * one further on, by a stride that grows by one every round; taken is the one with the fewer live
 * flows for its weight. So each backend is a candidate exactly twice as often as its share, and an
 * empty one gets at most twice its share of the new flows, while the fullest one of equal weights
 *   gets none: it is never both candidates.
 *
 * Only a flow that is recorded may take a turn: whatever leads its later packets to the slot table
 * must have led its first one there.
 * Threading: a gw_turn belongs to one worker or CPU. Source: Mitzenmacher, The Power of Two Choices
 * in Randomized Load Balancing, IEEE TPDS 2001. */
#ifndef GUIDEWAY_CORE_TURNS_H_
#define GUIDEWAY_CORE_TURNS_H_

#include "guideway/core/flow_table.h"

/* 2^32 over the golden ratio: its multiples are spread evenly over the range. */
#define GW_GOLDEN 0x9e3779b1u

/* Two places in a ring. */
struct gw_candidates {
  uint32_t first;
  uint32_t second;
};

/* Gives the worker's place in a ring of `count` (and the other candidate's, another one if there is
 * one), and moves it on. REQUIRES: count > 0. A ring that has changed since is gone on with where
 * it was left, if it is long enough. */
GW_INLINE struct gw_candidates gw_move_on(struct gw_turn *turn, uint32_t shard, uint32_t count) {
  uint32_t place = turn->next - 1;
  uint32_t stride = turn->stride;
  if (place >= count) place = gw_scale(shard * GW_GOLDEN, count);
  /* The first round's stride: neighbours in a weighted ring are much the same everywhere. */
  if (stride == 0) stride = gw_scale(GW_GOLDEN, count);
  if (stride == 0 || stride >= count) stride = 1;
  struct gw_candidates at = {place, place + stride};
  if (at.second >= count) at.second = count > 1 ? at.second - count : 0;
  int round_is_over = place + 1 >= count;
  turn->next = round_is_over ? 1 : place + 2;
  turn->stride = stride + (round_is_over ? 1 : 0);
  return at;
}

/* Live flows of a backend, as far as this worker knows. */
GW_INLINE uint64_t gw_load_of(const struct gw_port *port, uint32_t backend) {
  const struct gw_traffic *traffic = gw_port_backend_traffic(port, backend);
  if (!traffic) return 0;
  return gw_counter_read(&traffic->load_offset) + gw_counter_read(&traffic->flows);
}

/* Whether with one flow more `a` would have fewer than `b` would, each for its weight. */
GW_INLINE int gw_is_less_loaded(const struct gw_port *port, uint32_t a, uint32_t b) {
  const struct gw_backend *record_a = gw_port_backend(port, a);
  const struct gw_backend *record_b = gw_port_backend(port, b);
  if (!record_a || !record_b) return 0;
  return (gw_load_of(port, a) + 1) * record_b->load_weight <
         (gw_load_of(port, b) + 1) * record_a->load_weight;
}

/* The backend whose turn it is, or GW_NO_BACKEND. */
GW_INLINE uint32_t gw_take_turn(const struct gw_port *port, uint32_t pool_id, uint32_t by_load) {
  const struct gw_pool *pool = gw_port_pool(port, pool_id);
  struct gw_turn *turn = gw_port_turn(port, pool_id);
  if (!pool || !turn || pool->ring_count == 0) return GW_NO_BACKEND;
  struct gw_candidates at = gw_move_on(turn, gw_port_shard(port), pool->ring_count);
  uint32_t first = gw_port_slot(port, pool->ring_base + at.first);
  if (!by_load) return first;
  uint32_t second = gw_port_slot(port, pool->ring_base + at.second);
  return gw_is_less_loaded(port, second, first) ? second : first;
}

/* Whether the packet is the first of a flow, as far as it shows. */
GW_INLINE int gw_is_first(const struct gw_work *w) {
  return w->protocol != GW_PROTO_TCP || gw_is_syn(w);
}

/* Whether gw_insert_flow() will find a place without pushing anybody out. Where flows push out each
 * other, one that took a turn could not be found again. REQUIRES: gw_find_flow() said miss. */
GW_INLINE int gw_has_room(const struct gw_work *w) {
  if (w->entry) return 1;
  return gw_empty_ways(gw_flow_states(w->buckets[0])) != 0 ||
         gw_empty_ways(gw_flow_states(w->buckets[1])) != 0;
}

/* Sets w->backend and w->record by the pool's scheduler. 0: it has no say, the slots decide. */
GW_INLINE int gw_pick_by_turn(const struct gw_port *port, struct gw_work *w) {
  uint32_t flags = w->service->flags;
  if (!(flags & GW_SERVICE_BY_TURNS) || !gw_is_first(w) || !gw_has_room(w)) return 0;
  uint32_t id = gw_take_turn(port, w->service->pool, flags & GW_SERVICE_BY_LOAD);
  const struct gw_backend *record = gw_port_backend(port, id);
  if (!record || !(record->flags & GW_BACKEND_USED)) return 0;
  w->backend = (uint16_t)id;
  w->record = record;
  return 1;
}

#endif /* GUIDEWAY_CORE_TURNS_H_ */
