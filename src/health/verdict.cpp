// SPDX-License-Identifier: Apache-2.0
#include "guideway/health/verdict.h"

namespace guideway::health {

const char* to_string(State state) {
  switch (state) {
    case State::kInitial:
      return "initial";
    case State::kHealthy:
      return "healthy";
    case State::kUnhealthy:
      return "unhealthy";
  }
  return "";
}

const char* to_string(Reason reason) {
  switch (reason) {
    case Reason::kNone:
      return "";
    case Reason::kTimeout:
      return "timeout";
    case Reason::kConnectRefused:
      return "connect_refused";
    case Reason::kUnreachable:
      return "unreachable";
    case Reason::kConnectionClosed:
      return "connection_closed";
    case Reason::kStatusMismatch:
      return "status_mismatch";
    case Reason::kBodyMismatch:
      return "body_mismatch";
    case Reason::kBadAnswer:
      return "bad_answer";
    case Reason::kTlsError:
      return "tls_error";
    case Reason::kFlapping:
      return "flapping";
    case Reason::kLocalFault:
      return "local_fault";
  }
  return "";
}

}  // namespace guideway::health
