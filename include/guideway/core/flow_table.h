/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stage 4, find flow: which backend has this flow had so far?
 *
 * A shard's flow table is an array of 64-byte buckets of eight words; a word is a whole entry:
 *
 *   63           32 31        16 15   14 13     12          0
 *   [ tag, 32 bits ][ backend id ][state][mark ][ seconds     ]       0 = empty
 *
 * - A flow has two candidate buckets. A new one goes to the second when the first holds 5 or more
 * and the second holds fewer; that fills the table evenly up to about 90 %.
 * - A flow's first packet makes an entry on probation, its second makes it established. Probation
 * is evicted by any new flow, established and closing entries by none: a flood cannot push out
 * anybody.
 * - A hit counts only if the backend's pool is the service's; entries hold no addresses, so a tag
 *   collision (2^-32) costs nothing but the sharing of a backend.
 * - A FIN or RST of the client makes the entry closing: it still leads to its backend, for a
 * minute, unless a SYN starts a new connection on the same ports, which is chosen anew.
 * - A marked entry answers TCP with a reset, and is a miss for everything else.
 * - A SYN never changes a live entry's backend; except that under a coarse key, where it is a new
 * connection of a known client, it leaves a backend that takes no new flows.
 * - Time is modulo 8192 s. The sweep clears what is older than its timeout at least every 10 s, so
 * no age ever wraps.
 *
 * Threading: words are shared between the shard's owner, the sweeper and (for reads) other shards:
 * single aligned 8-byte loads and stores. Two writers at once can at worst record a flow twice. */
#ifndef GUIDEWAY_CORE_FLOW_TABLE_H_
#define GUIDEWAY_CORE_FLOW_TABLE_H_

#include "guideway/core/hash.h"
#include "guideway/core/work.h"

enum gw_flow_state {
  GW_FLOW_EMPTY = 0, /* only in the word 0 */
  GW_FLOW_PROBATION = 1,
  GW_FLOW_ESTABLISHED = 2,
  GW_FLOW_CLOSING = 3,
};

enum {
  GW_FLOW_TIME_MASK = 0x1fff,
  GW_FLOW_MARK = 1 << 13,
  /* A client that has said FIN may go on acknowledging for as long as the server sends; a minute of
   * silence ends it (Linux: net.netfilter nf_conntrack_tcp_timeout_last_ack is 30 s, fin_wait 120
   * s). */
  GW_CLOSING_TIMEOUT_S = 60,
  GW_FIRST_BUCKET_FULL_ENOUGH = 5,
  /* By how much another core's coarse clock, which wrote a time, can be ahead of ours: in truth by
   * a tick. */
  GW_FLOW_AHEAD_S = 16,
};

GW_INLINE uint64_t gw_flow_word(uint32_t tag, uint32_t backend, uint32_t state, uint32_t now_s) {
  return (uint64_t)tag << 32 | (uint64_t)(backend & 0xffff) << 16 | (state & 3) << 14 |
         (now_s & GW_FLOW_TIME_MASK);
}
GW_INLINE uint32_t gw_flow_tag(uint64_t word) { return (uint32_t)(word >> 32); }
GW_INLINE uint32_t gw_flow_backend(uint64_t word) { return (uint32_t)(word >> 16) & 0xffff; }
GW_INLINE uint32_t gw_flow_state(uint64_t word) { return (uint32_t)(word >> 14) & 3; }
GW_INLINE int gw_flow_marked(uint64_t word) { return (word & GW_FLOW_MARK) != 0; }
/* Seconds since the word's time, modulo 8192. */
GW_INLINE uint32_t gw_flow_age(uint64_t word, uint32_t now_s) {
  return (now_s - (uint32_t)word) & GW_FLOW_TIME_MASK;
}

/* Whether the entry's flow has ended by timeout. The last ages of the range are a time just ahead
 * of ours and count as 0; all between the timeout and them are over, so that no sweep is so late
 * that it misses the end of the longest timeout. */
GW_INLINE int gw_flow_expired(uint64_t word, uint32_t now_s, uint32_t idle_timeout_s) {
  uint32_t age = gw_flow_age(word, now_s);
  uint32_t timeout = idle_timeout_s;
  if (gw_flow_state(word) == GW_FLOW_CLOSING && timeout > GW_CLOSING_TIMEOUT_S)
    timeout = GW_CLOSING_TIMEOUT_S;
  return age > timeout && age <= GW_FLOW_TIME_MASK - GW_FLOW_AHEAD_S;
}

/* What the sweep leaves of a word: the word, 0 when expired, or the word marked for a reset when
 * its backend's flows are to be reset. `idle_timeout_s` is the longest of the services that can
 * have made it; 0 clears it (no such backend). */
GW_INLINE uint64_t gw_flow_swept(uint64_t word, uint32_t now_s, uint32_t idle_timeout_s,
                                 int reset) {
  if (word == 0 || idle_timeout_s == 0) return 0;
  if (gw_flow_expired(word, now_s, idle_timeout_s)) return 0;
  return reset ? word | GW_FLOW_MARK : word;
}

/* Bit i of the result: way i of the bucket has this tag. No branch per way: the way that a flow is
 * in is random, so each would be mispredicted. (An empty way matches tag 0; gw_flow_record refuses
 * it.) */
GW_INLINE uint32_t gw_flow_match_plain(const struct gw_flow_bucket *bucket, uint32_t tag) {
  uint32_t mask = 0;
#pragma GCC unroll 8
  for (uint32_t i = 0; i < GW_FLOW_WAYS; i++) {
    uint64_t difference = gw_flow_load_tag(&bucket->words[i]) ^ tag;
    mask |= (uint32_t)((difference - 1) >> 63) << i; /* borrow exactly when it is 0 */
  }
  return mask;
}

/* The states of all ways, two bits each: way i at bit 2 * i. An empty way has state 0. */
GW_INLINE uint32_t gw_flow_states_plain(const struct gw_flow_bucket *bucket) {
  uint32_t states = 0;
#pragma GCC unroll 8
  for (uint32_t i = 0; i < GW_FLOW_WAYS; i++)
    states |= ((uint32_t)gw_flow_load(&bucket->words[i]) >> 14 & 3) << (2 * i);
  return states;
}

/* The same, as fast as the port can. */
GW_INLINE uint32_t gw_flow_match(const struct gw_flow_bucket *bucket, uint32_t tag) {
#ifdef GW_HAS_SSE2
  return gw_flow_match_sse2(bucket, tag);
#else
  return gw_flow_match_plain(bucket, tag);
#endif
}
GW_INLINE uint32_t gw_flow_states(const struct gw_flow_bucket *bucket) {
#ifdef GW_HAS_SSE2
  return gw_flow_states_sse2(bucket);
#else
  return gw_flow_states_plain(bucket);
#endif
}

/* Of such states, bit 2 * i: way i is empty; on probation. */
GW_INLINE uint32_t gw_empty_ways(uint32_t states) { return ~(states | states >> 1) & 0x5555; }
GW_INLINE uint32_t gw_probation_ways(uint32_t states) { return states & ~(states >> 1) & 0x5555; }

/* The record that `word` leads to, if it is an entry for `tag` whose backend belongs to `pool`; or
 * null. */
GW_INLINE const struct gw_backend *gw_flow_record(const struct gw_port *port, uint64_t word,
                                                  uint32_t tag, uint32_t pool) {
  if (gw_flow_tag(word) != tag || word == 0) return NULL;
  const struct gw_backend *record = gw_port_backend(port, gw_flow_backend(word));
  if (!record || record->pool != pool || !(record->flags & GW_BACKEND_USED)) return NULL;
  return record;
}

/* Looks through the ways in `match` of one bucket. At most two are tried: a third equal tag in one
 * bucket would be a second collision. Sets w->entry, w->word, w->record on success. */
GW_INLINE int gw_flow_find_in(const struct gw_port *port, struct gw_work *w,
                              struct gw_flow_bucket *bucket, uint32_t match) {
  uint32_t tag = gw_hash_tag(w->hash);
#ifdef __OPTIMIZE__ /* else g++ complains that it ignores it */
#pragma GCC unroll 2
#endif
  for (int i = 0; i < 2 && match != 0; i++) {
    uint32_t way = gw_lowest_bit(match) & (GW_FLOW_WAYS - 1);
    uint64_t word = gw_flow_load(&bucket->words[way]);
    const struct gw_backend *record = gw_flow_record(port, word, tag, w->service->pool);
    if (record) {
      w->record = record;
      w->entry = &bucket->words[way];
      w->word = word;
      return 1;
    }
    match &= match - 1;
  }
  return 0;
}

/* Sets w->hash and w->buckets[0]. REQUIRES: w->service. Returns GW_GO_ON, or that the table is
 * damaged. */
GW_INLINE enum gw_reason gw_locate_flow(const struct gw_port *port, struct gw_work *w) {
  uint32_t count = gw_port_buckets_per_shard(port);
  w->hash = gw_flow_hash(&gw_port_state(port)->hash_key, w, w->service);
  w->buckets[0] = gw_port_own_bucket(port, gw_hash_first_bucket(w->hash, count));
  return w->buckets[0] ? GW_GO_ON : GW_REASON_BAD_TABLE;
}

/* Sets w->buckets[1], which most hits do without. REQUIRES: gw_locate_flow(). */
GW_INLINE void gw_locate_second(const struct gw_port *port, struct gw_work *w) {
  uint32_t count = gw_port_buckets_per_shard(port);
  struct gw_flow_bucket *second = gw_port_own_bucket(port, gw_hash_second_bucket(w->hash, count));
  w->buckets[1] = second ? second : w->buckets[0]; /* never null, but the verifier cannot know */
}

GW_INLINE int gw_is_syn(const struct gw_work *w) {
  return (w->tcp_flags & (GW_TCP_SYN | GW_TCP_ACK)) == GW_TCP_SYN;
}

/* Which gw_backend_flags an entry's backend must have to serve the packet. Under a coarse key a SYN
 * is a new connection that finds the entry of older ones: if their backend takes no new flow, the
 * client moves. (All its connections do, since they share the entry; otherwise a client that never
 * pauses would hold a drained backend for ever.) */
GW_INLINE uint32_t gw_flow_needs(const struct gw_work *w) {
  int new_connection = gw_is_syn(w) && !(w->service->flags & GW_SERVICE_PER_CONNECTION);
  return new_connection ? GW_BACKEND_TAKES_NEW : 0;
}

/* What a packet of *w makes of an existing entry. */
enum gw_flow_use { GW_FLOW_USE_MISS, GW_FLOW_USE_HIT, GW_FLOW_USE_RESET };

/* The low 16 bits of an established entry, not marked, whose last packet was in this second. */
GW_INLINE uint32_t gw_flow_current_bits(uint32_t now_s) {
  return GW_FLOW_ESTABLISHED << 14 | (now_s & GW_FLOW_TIME_MASK);
}

/* The packet in the middle of an established flow whose last one was in this second: whatever the
 * entry's timeout, it serves the packet, and there is nothing to write. What nearly all hits
 * are: asked first, it saves them gw_flow_judge() and gw_touch_flow(), 25 instructions of 518. */
GW_INLINE int gw_flow_current(const struct gw_work *w, uint32_t now_s) {
  return ((uint32_t)w->word & 0xffff) == gw_flow_current_bits(now_s) &&
         !(w->tcp_flags & (GW_TCP_FIN | GW_TCP_SYN | GW_TCP_RST));
}

/* Decides whether the entry that was found (w->word) serves this packet. */
GW_INLINE enum gw_flow_use gw_flow_judge(const struct gw_work *w, uint32_t now_s) {
  if (GW_LIKELY(gw_flow_current(w, now_s))) return GW_FLOW_USE_HIT;
  if (gw_flow_expired(w->word, now_s, w->service->idle_timeout_s)) return GW_FLOW_USE_MISS;
  if (gw_is_syn(w) && gw_flow_state(w->word) == GW_FLOW_CLOSING) return GW_FLOW_USE_MISS;
  if ((w->record->flags & gw_flow_needs(w)) != gw_flow_needs(w)) return GW_FLOW_USE_MISS;
  if (GW_UNLIKELY(gw_flow_marked(w->word))) {
    if (w->protocol != GW_PROTO_TCP || gw_is_syn(w)) return GW_FLOW_USE_MISS;
    return GW_FLOW_USE_RESET;
  }
  return GW_FLOW_USE_HIT;
}

/* Looks in both buckets of this shard. After a miss, w->entry is null or our own stale entry.
 * `ahead`: whether a burst has looked already; then w->match is of the first bucket, and if it is
 * 0, w->buckets[1] is set. */
GW_INLINE enum gw_flow_use gw_find_flow_from(const struct gw_port *port, struct gw_work *w,
                                             int ahead, uint32_t now_s) {
  uint32_t tag = gw_hash_tag(w->hash);
  int found = ahead && w->match && gw_flow_find_in(port, w, w->buckets[0], w->match);
  if (!found) found = gw_flow_find_in(port, w, w->buckets[0], gw_flow_match(w->buckets[0], tag));
  if (!found) {
    if (!ahead || w->match) gw_locate_second(port, w);
    found = gw_flow_find_in(port, w, w->buckets[1], gw_flow_match(w->buckets[1], tag));
    if (found) gw_counter_add(&gw_port_counters(port)->events[GW_EVENT_SECOND_BUCKET], 1);
  }
  if (!found) {
    w->entry = NULL;
    return GW_FLOW_USE_MISS;
  }
  w->backend = (uint16_t)gw_flow_backend(w->word);
  return gw_flow_judge(w, now_s);
}

GW_INLINE enum gw_flow_use gw_find_flow(const struct gw_port *port, struct gw_work *w,
                                        uint32_t now_s) {
  return gw_find_flow_from(port, w, 0, now_s);
}

/* The state that the packet puts its flow into. */
GW_INLINE uint32_t gw_flow_next_state(const struct gw_work *w, uint32_t state) {
  if (state == GW_FLOW_CLOSING) return state;
  if ((w->tcp_flags & (GW_TCP_FIN | GW_TCP_RST)) &&
      (w->service->flags & GW_SERVICE_PER_CONNECTION) && state != GW_FLOW_EMPTY)
    return GW_FLOW_CLOSING;
  return state == GW_FLOW_EMPTY ? GW_FLOW_PROBATION : GW_FLOW_ESTABLISHED;
}

/* After a hit: refreshes state and time, and writes only what changed. */
GW_INLINE void gw_touch_flow(struct gw_work *w, uint32_t now_s) {
  if (GW_LIKELY(gw_flow_current(w, now_s))) return;
  uint64_t word = gw_flow_word(gw_flow_tag(w->word), w->backend,
                               gw_flow_next_state(w, gw_flow_state(w->word)), now_s) |
                  (w->word & GW_FLOW_MARK);
  if (word != w->word) gw_flow_store(w->entry, word);
}

/* The number of one of `ways` (bits of 0x5555), by hash bits, so that a flood does not always hit
 * the same one. The top bits: lower ones are the same for all flows of a bucket, whose number is
 * made of them. REQUIRES: ways != 0. */
GW_INLINE uint32_t gw_pick_way(uint32_t ways, uint64_t hash) {
  uint32_t turn = (uint32_t)(hash >> 61);
  uint32_t turned = (ways >> 2 * turn | ways << 2 * (GW_FLOW_WAYS - turn)) & 0x5555;
  return (gw_lowest_way(turned) + turn) & (GW_FLOW_WAYS - 1);
}

#define GW_NO_WAY (2 * GW_FLOW_WAYS)

/* A way of two full buckets whose entry is over: way i of the first is i, of the second 8 + i; or
 * GW_NO_WAY. The sweep clears such entries sooner or later; where none runs (XDP while the daemon
 * is down) nobody else does. An entry is judged by its backend, as in the sweep: whose service it
 * is, it does not say. */
GW_SEPARATE uint32_t gw_find_ended(gw_port_part part, const struct gw_flow_bucket *first,
                                   const struct gw_flow_bucket *second, uint32_t now_s) {
  struct gw_port room;
  const struct gw_port *port = gw_port_take(part, &room);
  if (!first || !second) return GW_NO_WAY;
  for (uint32_t i = 0; i < GW_NO_WAY; i++) {
    const struct gw_flow_bucket *bucket = i < GW_FLOW_WAYS ? first : second;
    uint64_t word = gw_flow_load(&bucket->words[i & (GW_FLOW_WAYS - 1)]);
    const struct gw_backend *record = gw_port_backend(port, gw_flow_backend(word));
    uint32_t timeout = record && (record->flags & GW_BACKEND_USED) ? record->sweep_timeout_s : 0;
    if (gw_flow_swept(word, now_s, timeout, 0) == 0) return i;
  }
  return GW_NO_WAY;
}

/* Counts an entry made. */
GW_INLINE void gw_count_new_flow(const struct gw_port *port, uint32_t backend, uint32_t service) {
  gw_counter_add(&gw_port_counters(port)->events[GW_EVENT_FLOW_NEW], 1);
  struct gw_traffic *traffic = gw_port_backend_traffic(port, backend);
  if (traffic) gw_counter_add(&traffic->flows, 1);
  traffic = gw_port_service_traffic(port, service);
  if (traffic) gw_counter_add(&traffic->flows, 1);
}

/* After a miss: records the flow with w->backend in `state`. Takes, in this order, our own stale
 * entry, an empty way, a way on probation, one that is over; the better bucket first. Sets
 * w->tracked. */
GW_INLINE void gw_insert_flow(const struct gw_port *port, struct gw_work *w, uint32_t state,
                              uint32_t now_s) {
  struct gw_counters *counters = gw_port_counters(port);
  uint64_t word = gw_flow_word(gw_hash_tag(w->hash), w->backend, state, now_s);
  uint64_t *entry = w->entry;
  if (!entry) {
    uint32_t states0 = gw_flow_states(w->buckets[0]);
    uint32_t states1 = gw_flow_states(w->buckets[1]);
    uint32_t free0 = gw_count_ways(gw_empty_ways(states0));
    uint32_t free1 = gw_count_ways(gw_empty_ways(states1));
    int second = GW_FLOW_WAYS - free0 >= GW_FIRST_BUCKET_FULL_ENOUGH && free1 > free0;
    uint32_t ways = gw_empty_ways(second ? states1 : states0);
    uint32_t way;
    if (!ways) { /* then both are full: were the second emptier, it had been chosen */
      uint32_t probation0 = gw_probation_ways(states0);
      uint32_t probation1 = gw_probation_ways(states1);
      /* No branch: the bit is random. */
      second = (probation0 == 0) | ((probation1 != 0) & (int)(w->hash >> 60 & 1));
      ways = second ? probation1 : probation0;
      if (ways) gw_counter_add(&counters->events[GW_EVENT_FLOW_EVICTED], 1);
    }
    struct gw_flow_bucket *bucket = second ? w->buckets[1] : w->buckets[0];
    if (ways) {
      way = gw_pick_way(ways, w->hash);
    } else {
      way = gw_find_ended(gw_port_give(port), w->buckets[0], w->buckets[1], now_s);
      if (way >= GW_NO_WAY) {
        gw_counter_add(&counters->events[GW_EVENT_FLOW_UNTRACKED], 1);
        w->tracked = 0;
        return;
      }
      bucket = way < GW_FLOW_WAYS ? w->buckets[0] : w->buckets[1];
    }
    entry = &bucket->words[way & (GW_FLOW_WAYS - 1)];
  }
  gw_flow_store(entry, word);
  w->entry = entry;
  w->tracked = 1;
  gw_count_new_flow(port, w->backend, w->service->id);
}

/* What to look for in the other shards. */
struct gw_shard_query {
  uint64_t hash;
  uint16_t now_s; /* its low bits, of which a flow's time has 13 */
  uint16_t pool;
  uint16_t idle_timeout_s;
  uint16_t backend_flags; /* gw_flow_needs() */
};

/* Looks for a live entry in all shards but our own, without writing there; 0 when there is none.
 * For packets that may not be a flow's first. A function of its own for the verifier, which
 * would walk the loop once for every way that leads here. (The query is in memory for the verifier,
 * too: of numbers it would keep what each comparison has said; and to read the tag there at each
 * turn takes less stack.) */
GW_SEPARATE uint64_t gw_search_other_shards(gw_port_part part, const struct gw_shard_query *query) {
  struct gw_port room;
  const struct gw_port *port = gw_port_take(part, &room);
  if (!query) return 0;
  uint32_t count = gw_port_buckets_per_shard(port);
  uint32_t first = gw_hash_first_bucket(query->hash, count);
  uint32_t second = gw_hash_second_bucket(query->hash, count);
  for (uint32_t i = 0; i < 2 * GW_MAX_SHARDS && i < 2 * gw_port_shard_count(port); i++) {
    if (gw_opaque(i / 2 ^ gw_port_shard(port)) == 0) continue;
    struct gw_flow_bucket *bucket = gw_port_bucket(port, i / 2, i % 2 ? second : first);
    uint32_t match = bucket ? gw_flow_match(bucket, gw_hash_tag(query->hash)) : 0;
    for (int turn = 0; turn < 2 && match != 0; turn++) {
      uint64_t word = gw_flow_load(&bucket->words[gw_lowest_bit(match) & (GW_FLOW_WAYS - 1)]);
      const struct gw_backend *record =
          gw_flow_record(port, word, gw_hash_tag(query->hash), query->pool);
      if (record && (record->flags & query->backend_flags) == query->backend_flags &&
          !gw_flow_marked(word) && !gw_flow_expired(word, query->now_s, query->idle_timeout_s))
        return word;
      match &= match - 1;
    }
  }
  return 0;
}

#endif /* GUIDEWAY_CORE_FLOW_TABLE_H_ */
