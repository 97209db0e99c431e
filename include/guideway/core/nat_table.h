/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The NAT table: which client stands behind which (NAT address, port).
 *
 * The port is the place: the entry of port p of the address with index a is in plane a, bucket
 * (p - 1024) / 8, way (p - 1024) % 8. A flow from a client has two candidate buckets in the plane
 * of one of its pool's addresses, by a hash of the flow (client, virtual address, ports, protocol),
 * and takes one of their sixteen places, so its translated port. Beside the entries stands a word
 * for each:
 *
 *   63           32 31        16 15 14    13 12         0
 *   [ tag, 32 bits ][ backend id ][mark][state][generation ]   0 = never used
 *
 * - State free and claimed: the upper half is the time since when.
 * - To take a place is to swap its word for a claim, write the entry, and swap the claim for a
 * valid word; each claim has the next generation. Who reads an entry reads the word, the entry, and
 * the word again: when it is still the same, so was the entry.
 * - A claim whose maker died is over after GW_NAT_CLAIM_S. (Long, since a maker that only slept
 * would then write into somebody else's entry; short enough to get the place back.)
 * - A flow is established when the client spoke, was answered, and spoke again (TCP: acknowledged).
 * Until then a new flow may have its place, if both buckets are full: of the flows that were not
 * answered, then of the others, the one that has been silent for longest. UDP gives way only after
 * GW_NAT_UDP_GRACE_S: an answer on the way would reach the wrong client.
 * - Before those, if both buckets are full, a new flow may have the place of a connection that has
 * ended: after GW_NAT_ENDED_GRACE_S without a packet, where a last FIN would be sent again.
 * - Of free places the one that has been free for longest is taken, so that a backend meets the
 * same port again as late as can be; as soon as a bucket gets full, one in the emptier bucket.
 * - What the client's and the backend's packets change are two words, each written by one side.
 *
 * Threading: shared by all workers or CPUs, the sweeper and the XDP program. Everything is read and
 * written by aligned 8-byte words; places are taken and given back by compare-and-swap. Two packets
 * of a new flow at once may record it twice: the second entry times out, unless the backend's
 * answer to that one is the one that the client took; then the connection is reset. A packet that
 * is being looked at while its place is taken from it (it was over, or on probation) may still note
 * its time in the entry of the next flow. Memory may be adopted from an earlier daemon: nothing in
 * it is trusted beyond its bits. */
#ifndef GUIDEWAY_CORE_NAT_TABLE_H_
#define GUIDEWAY_CORE_NAT_TABLE_H_

#include "guideway/core/flow_table.h"
#include "guideway/core/hash.h"

enum gw_nat_state { GW_NAT_FREE = 0, GW_NAT_CLAIMED = 1, GW_NAT_VALID = 2 };

/* What has been seen of one side, in the upper half of its word. */
enum gw_nat_seen {
  GW_NAT_SEEN = 1 << 0, /* it has spoken */
  GW_NAT_SEEN_FIN = 1 << 1,
  GW_NAT_SEEN_RST = 1 << 2,
  GW_NAT_CONFIRMED = 1 << 3, /* the client's side: it spoke after it was answered */
  GW_NAT_NO_SYN = 1 << 4,    /* the backend's side: its last packet had none */
};

enum {
  GW_NAT_GENERATION_MASK = 0x1fff,
  GW_NAT_STATE_SHIFT = 13,
  GW_NAT_MARK = 1 << 15,
  GW_NAT_CLAIM_S = 60,
  /* A handshake, or a first answer, that takes longer has failed (Linux's SYN is given up after
   * 127 s, but it is sent again before, and makes a new entry). */
  GW_NAT_OPENING_TIMEOUT_S = 30,
  /* Both have said FIN; or the client has said RST, which anybody may have said in its name. */
  GW_NAT_CLOSING_TIMEOUT_S = 10,
  GW_NAT_RESET_TIMEOUT_S = 2, /* the backend has said RST */
  GW_NAT_UDP_GRACE_S = 2,
  GW_NAT_ENDED_GRACE_S = 2,
  /* With so many places left in both buckets, age decides; else the emptier one. */
  GW_NAT_ROOMY = 6,
  GW_NAT_TRIES = 4, /* to claim a place, when others are faster */
};

/* "No place": places are bucket << 3 | way, of the whole table. */
#define GW_NAT_NO_PLACE 0xffffffffu
/* Written by the daemon into the first element of a plane. */
#define GW_NAT_MAGIC 0x32656e616c70616eu /* "naplane2" */

GW_INLINE uint64_t gw_nat_word(uint32_t upper, uint32_t backend, uint32_t state,
                               uint32_t generation) {
  return (uint64_t)upper << 32 | (uint64_t)(backend & 0xffff) << 16 |
         (state & 3) << GW_NAT_STATE_SHIFT | (generation & GW_NAT_GENERATION_MASK);
}
GW_INLINE uint32_t gw_nat_upper(uint64_t word) { return (uint32_t)(word >> 32); }
GW_INLINE uint32_t gw_nat_backend(uint64_t word) { return (uint32_t)(word >> 16) & 0xffff; }
GW_INLINE uint32_t gw_nat_state(uint64_t word) {
  return (uint32_t)(word >> GW_NAT_STATE_SHIFT) & 3;
}
GW_INLINE int gw_nat_marked(uint64_t word) { return (word & GW_NAT_MARK) != 0; }
GW_INLINE uint32_t gw_nat_generation(uint64_t word) {
  return (uint32_t)word & GW_NAT_GENERATION_MASK;
}
/* The word of a place that is given back. */
GW_INLINE uint64_t gw_nat_freed(uint64_t word, uint32_t now_s) {
  return gw_nat_word(now_s, 0, GW_NAT_FREE, gw_nat_generation(word) + 1);
}

GW_INLINE uint32_t gw_nat_place(uint32_t bucket, uint32_t way) { return bucket << 3 | way; }
/* The first bucket of the plane of a NAT address. */
GW_INLINE uint32_t gw_nat_plane_buckets(uint32_t address) { return address * GW_NAT_PLANE + 1; }
/* The place of a port (host order), or GW_NAT_NO_PLACE. */
GW_INLINE uint32_t gw_nat_place_of(uint32_t address, uint32_t port) {
  if (port < GW_NAT_FIRST_PORT || port > 0xffff) return GW_NAT_NO_PLACE;
  return (gw_nat_plane_buckets(address) << 3) + (port - GW_NAT_FIRST_PORT);
}
/* The port (host order) of a place in the plane of `address`. */
GW_INLINE uint32_t gw_nat_port_of(uint32_t address, uint32_t place) {
  return (place - (gw_nat_plane_buckets(address) << 3) + GW_NAT_FIRST_PORT) & 0xffff;
}

/* A flow, as its entry has it. */
struct gw_nat_key {
  uint64_t client[2];
  uint64_t vip[2];
  uint64_t tail;
};

GW_INLINE uint64_t gw_nat_tail(uint32_t ports, uint32_t protocol, uint32_t family) {
  return (uint64_t)ports | (uint64_t)protocol << 32 | (uint64_t)family << 40;
}
GW_INLINE uint32_t gw_nat_ports(uint64_t tail) { return (uint32_t)tail; }
GW_INLINE uint32_t gw_nat_protocol(uint64_t tail) { return (uint32_t)(tail >> 32) & 0xff; }
GW_INLINE uint32_t gw_nat_family(uint64_t tail) { return (uint32_t)(tail >> 40) & 0xff; }

GW_INLINE uint64_t gw_nat_settings(uint32_t idle_timeout_s, uint32_t service) {
  return (idle_timeout_s & 0xffff) | (service & 0xffff) << 16;
}
GW_INLINE uint32_t gw_nat_idle_timeout(uint64_t settings) { return (uint32_t)settings & 0xffff; }
GW_INLINE uint32_t gw_nat_service_id(uint64_t settings) {
  return (uint32_t)(settings >> 16) & 0xffff;
}

/* The key of a client's packet. */
GW_INLINE void gw_nat_key_of(const struct gw_work *w, struct gw_nat_key *key) {
  key->client[0] = gw_load64(w->source);
  key->client[1] = gw_load64(w->source + 2);
  key->vip[0] = gw_load64(w->destination);
  key->vip[1] = gw_load64(w->destination + 2);
  key->tail = gw_nat_tail(w->ports, w->protocol, w->family);
}

/* Where a client's flow may be. All of the key enters it: many clients may be one address, with the
 * same port to several services. */
GW_INLINE uint64_t gw_nat_hash(const struct gw_hash_key *secret, const struct gw_nat_key *key) {
  const uint32_t *k = secret->nh;
  uint64_t h = gw_nh((uint32_t)key->client[0], k[10], (uint32_t)key->tail, k[11]) +
               gw_nh((uint32_t)(key->client[0] >> 32), k[8], (uint32_t)key->client[1], k[9]) +
               gw_nh((uint32_t)(key->client[1] >> 32), k[6], (uint32_t)(key->tail >> 32), k[7]) +
               gw_nh((uint32_t)key->vip[0], k[4], (uint32_t)(key->vip[0] >> 32), k[5]) +
               gw_nh((uint32_t)key->vip[1], k[2], (uint32_t)(key->vip[1] >> 32), k[3]);
  h ^= h >> 32;
  h *= secret->mix[0];
  h ^= h >> 29;
  h *= secret->mix[1];
  h ^= h >> 32;
  return h;
}

/* Which of a pool's `count` addresses the flow is to have. */
GW_INLINE uint32_t gw_nat_turn_of(uint64_t hash, uint32_t count) {
  return gw_scale((uint32_t)(hash >> 16), count);
}

/* How an entry's flow stands. */
struct gw_nat_life {
  uint32_t idle_s; /* since its last packet */
  uint8_t is_over; /* for longer than its timeout */
  uint8_t is_answered;
  uint8_t is_established;
  uint8_t is_ending; /* both said FIN, or the backend RST: a SYN is a new connection */
  uint8_t is_held;   /* on probation, but not to be taken yet */
};

/* Seconds since the word's; a time just ahead of ours (another core's clock) is now. */
GW_INLINE uint32_t gw_nat_since(uint32_t then_s, uint32_t now_s) {
  uint32_t age = now_s - then_s;
  return age > 0xffffffffu - GW_FLOW_AHEAD_S ? 0 : age;
}

GW_INLINE uint32_t gw_nat_timeout(uint32_t protocol, uint32_t client, uint32_t backend,
                                  uint32_t idle_timeout_s) {
  uint32_t timeout = idle_timeout_s;
  uint32_t shorter = idle_timeout_s;
  if (protocol == GW_PROTO_TCP) {
    if (backend & GW_NAT_SEEN_RST) {
      shorter = GW_NAT_RESET_TIMEOUT_S;
    } else if ((client & GW_NAT_SEEN_RST) || (client & backend & GW_NAT_SEEN_FIN)) {
      shorter = GW_NAT_CLOSING_TIMEOUT_S;
    } else if (!(client & GW_NAT_CONFIRMED)) {
      shorter = GW_NAT_OPENING_TIMEOUT_S;
    }
  } else if (!(backend & GW_NAT_SEEN)) {
    shorter = GW_NAT_OPENING_TIMEOUT_S;
  }
  return shorter < timeout ? shorter : timeout;
}

GW_INLINE struct gw_nat_life gw_nat_judge(const struct gw_nat_entry *entry, uint32_t now_s) {
  uint64_t client = gw_flow_load(&entry->client_word);
  uint64_t backend = gw_flow_load(&entry->backend_word);
  uint32_t client_seen = (uint32_t)(client >> 32);
  uint32_t backend_seen = (uint32_t)(backend >> 32);
  uint32_t protocol = gw_nat_protocol(gw_flow_load(&entry->tail));
  uint32_t idle = gw_nat_idle_timeout(gw_flow_load(&entry->settings));
  struct gw_nat_life life;
  life.idle_s = gw_nat_since((uint32_t)client, now_s);
  if (backend_seen & GW_NAT_SEEN) {
    uint32_t since = gw_nat_since((uint32_t)backend, now_s);
    if (since < life.idle_s) life.idle_s = since;
  }
  life.is_over = life.idle_s > gw_nat_timeout(protocol, client_seen, backend_seen, idle);
  life.is_established = (client_seen & GW_NAT_CONFIRMED) != 0;
  life.is_answered = (backend_seen & GW_NAT_SEEN) != 0;
  life.is_ending =
      (client_seen & backend_seen & GW_NAT_SEEN_FIN) || (backend_seen & GW_NAT_SEEN_RST);
  life.is_held =
      !life.is_established && protocol != GW_PROTO_TCP && life.idle_s < GW_NAT_UDP_GRACE_S;
  return life;
}

GW_INLINE int gw_nat_entry_is(const struct gw_nat_entry *entry, const struct gw_nat_key *key) {
  return gw_flow_load(&entry->client[0]) == key->client[0] &&
         gw_flow_load(&entry->tail) == key->tail && gw_flow_load(&entry->vip[0]) == key->vip[0] &&
         gw_flow_load(&entry->client[1]) == key->client[1] &&
         gw_flow_load(&entry->vip[1]) == key->vip[1];
}

/* What is looked for; and what was found. */
struct gw_nat_query {
  struct gw_nat_key key;
  uint64_t hash;
  uint32_t address; /* index of the NAT address in whose plane */
  uint32_t now_s;
  uint64_t word;   /* of the place found, or chosen */
  uint32_t evicts; /* 1: the place chosen is that of a flow on probation */
  uint32_t place;
};

/* The two candidate buckets, `turn` 0 and 1. */
GW_INLINE uint32_t gw_nat_candidate(const struct gw_nat_query *query, uint32_t turn) {
  uint32_t bucket = turn == 0 ? gw_hash_first_bucket(query->hash, GW_NAT_BUCKETS)
                              : gw_hash_second_bucket(query->hash, GW_NAT_BUCKETS);
  return gw_nat_plane_buckets(query->address) + bucket;
}

/* The place of the flow's entry, whatever became of the flow, and its word; or GW_NAT_NO_PLACE. */
GW_SEPARATE uint32_t gw_nat_find(gw_port_token table, struct gw_nat_query *query) {
  if (!query) return GW_NAT_NO_PLACE;
  uint32_t tag = gw_hash_tag(query->hash);
  for (uint32_t turn = 0; turn < 2; turn++) {
    uint32_t index = gw_nat_candidate(query, turn);
    struct gw_nat_bucket *bucket = gw_port_nat_bucket(table, index);
    if (!bucket) return GW_NAT_NO_PLACE;
    uint32_t match = gw_flow_match(&bucket->ways, tag);
    /* All of them: flows of one client's port have one tag, if they keep it (nat_kept.h). */
    for (uint32_t i = 0; i < GW_NAT_WAYS && match != 0; i++) {
      uint32_t way = gw_lowest_bit(match) & (GW_NAT_WAYS - 1);
      uint64_t word = gw_word_acquire(&bucket->ways.words[way]);
      if (gw_nat_state(word) == GW_NAT_VALID && gw_nat_upper(word) == tag &&
          gw_nat_entry_is(&bucket->entries[way], &query->key) &&
          gw_word_check(&bucket->ways.words[way]) == word) {
        query->word = word;
        return gw_nat_place(index, way);
      }
      match &= match - 1;
    }
  }
  return GW_NAT_NO_PLACE;
}

/* How good a place is to take: 0 not at all, then those on probation, answered and not, then those
 * of connections that have ended, then the free ones; each by age. */
#define GW_NAT_SCORE_FREE (2ull << 32)
#define GW_NAT_SCORE_ENDED (3ull << 31)
#define GW_NAT_SCORE_UNANSWERED (1ull << 32)
#define GW_NAT_SCORE_ANSWERED (1ull << 31)

/* Of a place whose word is `word`. */
GW_SEPARATE uint64_t gw_nat_score(gw_port_token table, uint32_t place, uint64_t word,
                                  uint32_t now_s) {
  uint32_t state = gw_nat_state(word);
  if (word == 0) return GW_NAT_SCORE_FREE | 0xffffffffu;
  if (state == GW_NAT_VALID) {
    struct gw_nat_bucket *bucket = gw_port_nat_bucket(table, place >> 3);
    if (!bucket) return 0;
    struct gw_nat_life life = gw_nat_judge(&bucket->entries[place & (GW_NAT_WAYS - 1)], now_s);
    if (life.is_over) return GW_NAT_SCORE_FREE | life.idle_s;
    if (life.is_ending && life.idle_s >= GW_NAT_ENDED_GRACE_S)
      return GW_NAT_SCORE_ENDED | life.idle_s;
    if (life.is_established || life.is_held) return 0;
    return (life.is_answered ? GW_NAT_SCORE_ANSWERED : GW_NAT_SCORE_UNANSWERED) | life.idle_s;
  }
  uint32_t since = gw_nat_since(gw_nat_upper(word), now_s);
  if (state == GW_NAT_CLAIMED && since <= GW_NAT_CLAIM_S) return 0;
  return GW_NAT_SCORE_FREE | since;
}

/* Of the best place of a bucket: score << 3 | way; and how many of its places are free, << 40.
 * Looks from way `turn` on: of equal ones, which a flood makes, it is not always the same. */
GW_SEPARATE uint64_t gw_nat_best_of(gw_port_token table, uint32_t index, uint32_t turn,
                                    uint32_t now_s) {
  uint64_t best = 0;
  uint64_t free = 0;
  struct gw_nat_bucket *bucket = gw_port_nat_bucket(table, index);
  if (!bucket) return 0;
#pragma GCC unroll 1
  for (uint32_t i = 0; i < GW_NAT_WAYS; i++) {
    uint32_t way = (i + turn) & (GW_NAT_WAYS - 1);
    uint64_t word = gw_word_acquire(&bucket->ways.words[way]);
    uint64_t score = gw_nat_score(table, gw_nat_place(index, way), word, now_s);
    free += score >> 33; /* 1 where GW_NAT_SCORE_FREE is set */
    if (score > best >> 3) best = score << 3 | way;
  }
  return best | free << 40;
}

/* The place that a new flow should take, and its score; GW_NAT_NO_PLACE: none. */
GW_INLINE uint32_t gw_nat_choose(gw_port_token table, const struct gw_nat_query *query,
                                 uint64_t *score) {
  uint32_t first = gw_nat_candidate(query, 0);
  uint32_t second = gw_nat_candidate(query, 1);
  /* The top bits: lower ones are the same for all flows of a bucket. */
  uint32_t turn = (uint32_t)(query->hash >> 61);
  uint64_t a = gw_nat_best_of(table, first, turn, query->now_s);
  uint64_t b = gw_nat_best_of(table, second, turn, query->now_s);
  uint64_t free_a = a >> 40;
  uint64_t free_b = b >> 40;
  uint64_t below = (1ull << 40) - 1;
  int take_second = (b & below) >> 3 > (a & below) >> 3;
  if (free_a != free_b && (free_a < GW_NAT_ROOMY || free_b < GW_NAT_ROOMY))
    take_second = free_b > free_a;
  if (take_second) a = b;
  *score = (a & below) >> 3;
  if (*score == 0) return GW_NAT_NO_PLACE;
  return gw_nat_place(take_second ? second : first, (uint32_t)a & (GW_NAT_WAYS - 1));
}

/* What a new entry begins with, beside the query's key. */
struct gw_nat_start {
  uint64_t path[4];
  uint64_t settings;
  uint32_t backend;
  uint32_t seen; /* enum gw_nat_seen, of the client's side */
};

/* Takes `place` for the flow, if its word is still query->word, and sets query->word to the new
 * one. 0: somebody was faster. */
GW_INLINE int gw_nat_take(gw_port_token table, struct gw_nat_query *query, uint32_t place,
                          const struct gw_nat_start *start) {
  struct gw_nat_bucket *bucket = gw_port_nat_bucket(table, place >> 3);
  if (!bucket) return 0;
  uint64_t *word = &bucket->ways.words[place & (GW_NAT_WAYS - 1)];
  struct gw_nat_entry *entry = &bucket->entries[place & (GW_NAT_WAYS - 1)];
  uint32_t generation = gw_nat_generation(query->word) + 1;
  uint64_t claim = gw_nat_word(query->now_s, 0, GW_NAT_CLAIMED, generation);
  uint64_t valid = gw_nat_word(gw_hash_tag(query->hash), start->backend, GW_NAT_VALID, generation);
  if (gw_word_swap(word, query->word, claim) != query->word) return 0;
  for (int i = 0; i < 2; i++) {
    gw_flow_store(&entry->client[i], query->key.client[i]);
    gw_flow_store(&entry->vip[i], query->key.vip[i]);
  }
  gw_flow_store(&entry->tail, query->key.tail);
  gw_flow_store(&entry->settings, start->settings);
  gw_flow_store(&entry->client_word, (uint64_t)start->seen << 32 | query->now_s);
  gw_flow_store(&entry->backend_word, 0);
  for (int i = 0; i < 4; i++) gw_flow_store(&entry->path[i], start->path[i]);
  if (gw_word_swap(word, claim, valid) != claim) return 0;
  query->word = valid;
  return 1;
}

/* Records a new flow. Returns its place, or GW_NAT_NO_PLACE: all that it could have are in use. */
GW_INLINE uint32_t gw_nat_insert(gw_port_token table, struct gw_nat_query *query,
                                 const struct gw_nat_start *start) {
  for (int i = 0; i < GW_NAT_TRIES; i++) {
    uint64_t score;
    uint32_t place = gw_nat_choose(table, query, &score);
    if (place == GW_NAT_NO_PLACE) break;
    struct gw_nat_bucket *bucket = gw_port_nat_bucket(table, place >> 3);
    if (!bucket) break;
    query->word = gw_word_acquire(&bucket->ways.words[place & (GW_NAT_WAYS - 1)]);
    query->evicts = score < GW_NAT_SCORE_ENDED;
    /* Has somebody else just taken it? */
    if (gw_nat_score(table, place, query->word, query->now_s) < score) continue;
    if (gw_nat_take(table, query, place, start)) return place;
  }
  return GW_NAT_NO_PLACE;
}

/* After a packet of the flow: notes its side's time and what was seen, if that is news. Returns 1
 * if so. A RST holds until the same side speaks again: then it was not the side's own. */
GW_INLINE int gw_nat_touch(uint64_t *side, uint32_t seen, uint32_t now_s) {
  uint64_t was = gw_flow_load(side);
  uint64_t of_last = GW_NAT_SEEN_RST | GW_NAT_NO_SYN;
  uint64_t is = ((was >> 32 & ~of_last) | seen) << 32 | now_s;
  if (is == was) return 0;
  gw_flow_store(side, is);
  return 1;
}

/* What the sweep makes of a valid word: the word, a free one, or the word marked for a reset.
 * `known`: its backend exists, and so does its NAT address. */
GW_INLINE uint64_t gw_nat_swept(uint64_t word, const struct gw_nat_entry *entry, uint32_t now_s,
                                int known, int reset) {
  struct gw_nat_life life = gw_nat_judge(entry, now_s);
  if (!known || life.is_over) return gw_nat_freed(word, now_s);
  return reset ? word | GW_NAT_MARK : word;
}

#endif /* GUIDEWAY_CORE_NAT_TABLE_H_ */
