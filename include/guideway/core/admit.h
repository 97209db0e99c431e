/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stage 3, admit: it is for a service; may it go on? Here are the checks that need to know that,
 * and here access lists and limits will stand. Threading: no state. Source: RFC 791 §3.2 (a
 * forwarder that would reduce the time to live to zero discards). */
#ifndef GUIDEWAY_CORE_ADMIT_H_
#define GUIDEWAY_CORE_ADMIT_H_

#include "guideway/core/work.h"

GW_INLINE enum gw_reason gw_admit(const struct gw_work *w) {
  if (GW_UNLIKELY(w->l4_reason != GW_GO_ON)) {
    /* The two that there are, by name: the verifier would not know a bound of the number. */
    return w->l4_reason == GW_REASON_UDP_LENGTH ? GW_REASON_UDP_LENGTH : GW_REASON_TCP_HEADER;
  }
  if (w->ttl <= 1) return GW_REASON_TTL_EXPIRED;
  return GW_GO_ON;
}

#endif /* GUIDEWAY_CORE_ADMIT_H_ */
