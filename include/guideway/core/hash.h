/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The flow hash: 64 bits of (source, destination, ports, service), keyed with a 128-bit seed.
 * NH, the universal hash of UMAC: pairs of 32-bit words, each word plus its own secret key modulo
 * 2^32, multiplied into 64 bits, and summed; then mixed by two secret multiplications. For any two
 * different inputs that are chosen without seeing the hash, NH collides with probability 2^-31 over
 * the (odd) keys. A chain of `h = (h ^ word) * K; h ^= h >> 32` would not do: a difference in the
 * top bit passes a multiplication unchanged, whatever the key, and the next word cancels it.
 * Different bits serve different ends: the low 32 choose the first bucket, the high 32 are the tag,
 * 32 bits from the middle choose the slot.
 * Threading: no state.
 * Source: Black et al., UMAC: Fast and Secure Message Authentication, CRYPTO '99, §4. */
#ifndef GUIDEWAY_CORE_HASH_H_
#define GUIDEWAY_CORE_HASH_H_

#include "guideway/core/work.h"

/* One step of the SplitMix64 generator: spreads every bit of its argument over 64. */
GW_INLINE uint64_t gw_spread(uint64_t value) {
  value ^= value >> 30;
  value *= 0xbf58476d1ce4e5b9u;
  value ^= value >> 27;
  value *= 0x94d049bb133111ebu;
  return value ^ value >> 31;
}

/* The keys that belong to a 128-bit seed. For the control side; packets use the result. */
GW_INLINE struct gw_hash_key gw_hash_expand(const uint8_t seed[16]) {
  struct gw_hash_key key;
  uint64_t words[2] = {0, 0};
  for (int i = 0; i < 16; i++) words[i / 8] |= (uint64_t)seed[i] << (8 * (i % 8));
  for (uint32_t i = 0; i < 14; i++) {
    uint64_t step = (i + 1) * 0x9e3779b97f4a7c15u;
    uint64_t value = gw_spread(words[0] + step) ^ gw_spread(words[1] ^ gw_spread(step));
    value = gw_spread(value);
    if (i < 12)
      key.nh[i] = (uint32_t)(value >> 32) | 1; /* never 0: a zero factor would erase its partner */
    else
      key.mix[i - 12] = value | 1;
  }
  return key;
}

GW_INLINE uint64_t gw_nh(uint32_t a, uint32_t key_a, uint32_t b, uint32_t key_b) {
  return (uint64_t)(uint32_t)(a + key_a) * (uint32_t)(b + key_b);
}

/* The hash of a packet of `service`, whose masks say what enters it. */
GW_INLINE uint64_t gw_flow_hash(const struct gw_hash_key *key, const struct gw_work *w,
                                const struct gw_service *service) {
  uint32_t ports = w->ports & service->ports_mask;
  uint32_t mask = service->destination_mask;
  const uint32_t *k = key->nh;
  uint64_t h = gw_nh(w->source[0], k[0], ports, k[1]) +
               gw_nh(w->destination[0] & mask, k[2], service->salt, k[3]);
  if (w->family == GW_FAMILY_6) {
    h += gw_nh(w->source[1], k[4], w->source[2], k[5]) +
         gw_nh(w->source[3], k[6], w->destination[1] & mask, k[7]) +
         gw_nh(w->destination[2] & mask, k[8], w->destination[3] & mask, k[9]);
  }
  h ^= h >> 32;
  h *= key->mix[0];
  h ^= h >> 29;
  h *= key->mix[1];
  h ^= h >> 32;
  return h;
}

/* x scaled from [0, 2^32) to [0, size), without a division. */
GW_INLINE uint32_t gw_scale(uint32_t x, uint32_t size) {
  return (uint32_t)((uint64_t)x * size >> 32);
}

GW_INLINE uint32_t gw_hash_tag(uint64_t hash) { return (uint32_t)(hash >> 32); }

GW_INLINE uint32_t gw_hash_slot(uint64_t hash, uint32_t slot_count) {
  return gw_scale((uint32_t)(hash >> 16), slot_count);
}

GW_INLINE uint32_t gw_hash_first_bucket(uint64_t hash, uint32_t bucket_count) {
  return gw_scale((uint32_t)hash, bucket_count);
}

/* Never the first one, unless there is only one. From the same bits as the first, not from the tag:
 * else any two flows of equal tag would share a bucket, however large the table. */
GW_INLINE uint32_t gw_hash_second_bucket(uint64_t hash, uint32_t bucket_count) {
  uint32_t first = gw_hash_first_bucket(hash, bucket_count);
  uint32_t second = gw_scale((uint32_t)hash * 0x9e3779b1u, bucket_count);
  if (second == first) second = second + 1 < bucket_count ? second + 1 : 0;
  return second;
}

#endif /* GUIDEWAY_CORE_HASH_H_ */
