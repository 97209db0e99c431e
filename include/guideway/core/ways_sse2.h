/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* All ways of a bucket at once, for user space on x86-64: twins of gw_flow_match_plain() and
 * gw_flow_states_plain(), which say what these do (flow_word_test holds them together). A load of
 * 16 bytes may see two words of different times, as two loads would; each word's tag and its state
 * are whole.
 * Threading: as flow_table.h. */
#ifndef GUIDEWAY_CORE_WAYS_SSE2_H_
#define GUIDEWAY_CORE_WAYS_SSE2_H_

#include <emmintrin.h>

#include "guideway/core/layout.h"

/* Of four words, the low halves (HALF 0) or the high ones (HALF 1), in order. */
#define GW_HALVES_OF_4(words, HALF)                                                                \
  _mm_castps_si128(                                                                                \
      _mm_shuffle_ps(_mm_castsi128_ps(_mm_load_si128((const __m128i *)(const void *)(words))),     \
                     _mm_castsi128_ps(_mm_load_si128((const __m128i *)(const void *)(words) + 1)), \
                     _MM_SHUFFLE(2 + (HALF), (HALF), 2 + (HALF), (HALF))))

GW_INLINE uint32_t gw_flow_match_sse2(const struct gw_flow_bucket *bucket, uint32_t tag) {
  __m128i wanted = _mm_set1_epi32((int)tag);
  __m128i first = _mm_cmpeq_epi32(GW_HALVES_OF_4(&bucket->words[0], 1), wanted);
  __m128i second = _mm_cmpeq_epi32(GW_HALVES_OF_4(&bucket->words[4], 1), wanted);
  __m128i bytes = _mm_packs_epi16(_mm_packs_epi32(first, second), _mm_setzero_si128());
  return (uint32_t)_mm_movemask_epi8(bytes);
}

GW_INLINE uint32_t gw_flow_states_sse2(const struct gw_flow_bucket *bucket) {
  __m128i three = _mm_set1_epi32(3);
  __m128i first = _mm_and_si128(_mm_srli_epi32(GW_HALVES_OF_4(&bucket->words[0], 0), 14), three);
  __m128i second = _mm_and_si128(_mm_srli_epi32(GW_HALVES_OF_4(&bucket->words[4], 0), 14), three);
  /* State i times 4^i, all added up. */
  __m128i weights = _mm_setr_epi16(1, 1 << 2, 1 << 4, 1 << 6, 1 << 8, 1 << 10, 1 << 12, 1 << 14);
  __m128i sum = _mm_madd_epi16(_mm_packs_epi32(first, second), weights);
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, _MM_SHUFFLE(1, 0, 3, 2)));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, _MM_SHUFFLE(2, 3, 0, 1)));
  return (uint32_t)_mm_cvtsi128_si32(sum);
}

#endif /* GUIDEWAY_CORE_WAYS_SSE2_H_ */
