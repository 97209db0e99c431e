// SPDX-License-Identifier: Apache-2.0
// The one place that decides a backend's effective weight: what all that is known of it comes to,
// and which rule decided. In this order, the first that applies:
//
//   disabled, drain, weight 0, unreachable   0     the operator's word and the network come first
//   the pool uses its fallback               0     its own backends rest
//   forced up, unchecked, presumed, healthy  the configured weight
//   the pool is in panic, fails open         the configured weight, whatever the checks say
//   the pool is in panic, holds              the configured weight, if it is of the last good set
//   spared: max_ejected_percent is reached   the configured weight
//   forced down, waiting, unhealthy          0
//
// Threading: no state.
#ifndef GUIDEWAY_COMPILE_EFFECTIVE_WEIGHT_H_
#define GUIDEWAY_COMPILE_EFFECTIVE_WEIGHT_H_

#include <cstdint>

#include "guideway/model/model.h"

namespace guideway::compile {

/// What the checks say of a backend.
enum class Standing : std::uint8_t {
  kUnchecked,  // its pool has no check, or no service
  kPresumed,   // no verdict yet; it was there when the daemon started
  kHealthy,
  kWaiting,  // no verdict yet; it was added later
  kUnhealthy,
};

/// What the pool does about backends that are not good.
enum class PoolMode : std::uint8_t {
  kNormal,
  kFailOpen,  // uses all
  kHold,      // uses the last good set, beside those that are good now
  kFallback,  // uses another pool's
};

struct WeightFactors {
  std::uint32_t configured = 100;
  model::AdminState state = model::AdminState::kEnabled;
  /// The kernel knows how to reach it, in the pool's forwarding mode.
  bool reachable = true;
  model::Forced forced = model::Forced::kNone;
  Standing standing = Standing::kUnchecked;
  PoolMode mode = PoolMode::kNormal;
  /// kHold: it is of the last good set. kNormal: max_ejected_percent lets no more be taken out.
  bool kept = false;
};

enum class WeightRule : std::uint8_t {
  kDisabled,
  kDrain,
  kZeroWeight,
  kUnreachable,
  kFallback,
  kForcedUp,
  kUnchecked,
  kPresumed,
  kHealthy,
  kFailOpen,
  kHeld,
  kSpared,
  kForcedDown,
  kWaiting,
  kUnhealthy,
};

struct EffectiveWeight {
  std::uint32_t weight = 0;
  WeightRule rule = WeightRule::kUnchecked;
};

/// Whether nothing but health can keep it from new flows.
bool is_usable(const WeightFactors& factors);
/// The checks, or the operator in their place, have nothing against it.
bool is_good(const WeightFactors& factors);

EffectiveWeight effective_weight(const WeightFactors& factors);

/// "drain", "fail_open", "forced_down" …
const char* to_string(WeightRule rule);
/// "unchecked", "presumed", "healthy", "waiting", "unhealthy".
const char* to_string(Standing standing);
/// "normal", "fail_open", "hold", "fallback".
const char* to_string(PoolMode mode);

}  // namespace guideway::compile

#endif  // GUIDEWAY_COMPILE_EFFECTIVE_WEIGHT_H_
