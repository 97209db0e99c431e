// SPDX-License-Identifier: Apache-2.0
// What the health checks say of a backend.
// Threading: values.
#ifndef GUIDEWAY_HEALTH_VERDICT_H_
#define GUIDEWAY_HEALTH_VERDICT_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "guideway/model/model.h"

namespace guideway::health {

enum class State : std::uint8_t {
  kInitial,  // no verdict yet
  kHealthy,
  kUnhealthy,
};

/// Why a probe failed. docs/health-checks.md has a row for each.
enum class Reason : std::uint8_t {
  kNone,
  kTimeout,           // no complete answer within the check's timeout
  kConnectRefused,    // nothing listens on the port
  kUnreachable,       // no route, or the neighbour does not answer
  kConnectionClosed,  // accepted, and closed before there was an answer
  kStatusMismatch,    // an HTTP status that is not expected
  kBodyMismatch,      // an answer without the text that is expected
  kBadAnswer,         // not of the protocol
  kTlsError,          // no TLS connection came about, or it broke
  kFlapping,          // probes succeed, but it failed too often: held for a while
  kLocalFault,        // our own fault (sockets, memory, a late loop): does not count
};

/// "healthy".
const char* to_string(State state);
/// "connect_refused"; "" for kNone.
const char* to_string(Reason reason);

struct Verdict {
  State state = State::kInitial;
  /// While kInitial: good until shown otherwise, as it was there when the daemon started. A backend
  /// that is added later has to pass a probe first.
  bool presumed = false;
  /// Of the last failed probe since the state began; kNone if there was none. kFlapping while it is
  /// held unhealthy.
  Reason reason = Reason::kNone;
  std::string detail;
  /// When the state began.
  std::chrono::system_clock::time_point since{};
  /// Of the last probe that counted and failed, whatever came after it; kNone: there was none.
  Reason last_error = Reason::kNone;
  std::string last_error_detail;
  std::chrono::system_clock::time_point last_error_at{};
  /// Damping: it is not to be healthy before that. The epoch: it is not held.
  std::chrono::system_clock::time_point held_until{};
  /// Of the last probe that was answered.
  std::chrono::microseconds latency{0};
  /// Probes by result, since the daemon started or the backend was added; kNone: success.
  std::map<Reason, std::uint64_t> probes;

  bool good() const { return state == State::kHealthy || (state == State::kInitial && presumed); }
};

/// Only of backends that are checked.
using Verdicts = std::map<model::BackendKey, Verdict>;

}  // namespace guideway::health

#endif  // GUIDEWAY_HEALTH_VERDICT_H_
