/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Integer types, byte order and the few compiler words of the shared core.
 * The core is the intersection of C11 and C++20: the same text is compiled by `clang -target bpf`
 * into the XDP program and by the C++ compiler into the DPDK worker. It includes nothing but
 * <stdint.h> and <stddef.h>.
 * Threading: no state. */
#ifndef GUIDEWAY_CORE_TYPES_H_
#define GUIDEWAY_CORE_TYPES_H_

#include <stddef.h>
#include <stdint.h>

#define GW_INLINE static inline __attribute__((always_inline, unused))
#define GW_LIKELY(x) __builtin_expect(!!(x), 1)
#define GW_UNLIKELY(x) __builtin_expect(!!(x), 0)

#ifdef __cplusplus
#define GW_STATIC_ASSERT(condition, text) static_assert(condition, text)
#else
#define GW_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif

/* A value in network byte order, as it stands in a packet. */
typedef uint16_t gw_be16;
typedef uint32_t gw_be32;

GW_STATIC_ASSERT(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
                 "the core assumes a little-endian host");

GW_INLINE uint16_t gw_swap16(uint16_t value) { return __builtin_bswap16(value); }
GW_INLINE uint32_t gw_swap32(uint32_t value) { return __builtin_bswap32(value); }

#endif /* GUIDEWAY_CORE_TYPES_H_ */
