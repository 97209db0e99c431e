// SPDX-License-Identifier: Apache-2.0
// probe_once(): one probe, and what it came to.
// Threading: the loop's.
#ifndef GUIDEWAY_TESTS_UNIT_HEALTH_ONE_PROBE_H_
#define GUIDEWAY_TESTS_UNIT_HEALTH_ONE_PROBE_H_

#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include <boost/asio/io_context.hpp>
#include <optional>

#include "guideway/health/probe.h"

namespace guideway::health {

inline ProbeOutcome probe_once(boost::asio::io_context& loop, const ProbeRequest& request) {
  std::optional<ProbeOutcome> outcome;
  const auto held = Probe::start(loop, request, [&](const ProbeOutcome& o) { outcome = o; });
  loop.restart();
  while (!outcome) loop.run_one();
  return *outcome;
}

/// To 127.0.0.1, with plenty of time.
inline ProbeRequest local_request(model::CheckProtocol protocol, std::uint16_t port) {
  ProbeRequest request;
  request.protocol = protocol;
  request.address = IpAddress::v4({127, 0, 0, 1});
  request.port = port;
  request.timeout = std::chrono::milliseconds(10'000);
  return request;
}

}  // namespace guideway::health

#endif  // GUIDEWAY_TESTS_UNIT_HEALTH_ONE_PROBE_H_
