// SPDX-License-Identifier: Apache-2.0
// Probe: one attempt to reach one backend, within one deadline. The answer is hostile input, and
// bounded: of HTTP a header of 8 KiB and, if a text is expected, 64 KiB of the body; of UDP and
// ping a few datagrams. TCP connections end by a reset, so thousands of probes leave no TIME_WAIT
// behind.
// Threading: the event loop's.
// Source: RFC 9110 §15 (status codes), RFC 9112 (message syntax), RFC 792 and RFC 4443 §4 (echo).
#ifndef GUIDEWAY_HEALTH_PROBE_H_
#define GUIDEWAY_HEALTH_PROBE_H_

#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "guideway/base/address.h"
#include "guideway/health/verdict.h"

namespace guideway::health {

inline constexpr std::size_t kMostHeaderBytes = 8192;
inline constexpr std::size_t kMostBodyBytes = 65536;

/// The fields are model::HealthCheck's.
struct ProbeRequest {
  model::CheckProtocol protocol = model::CheckProtocol::kTcp;  // not kExec
  IpAddress address;
  std::uint16_t port = 0;
  std::string path = "/";
  std::chrono::milliseconds timeout{5000};
  std::optional<IpAddress> source;
  std::string host;
  std::vector<model::StatusRange> expected_status = {{200, 399}};
  std::string expected_text;
  std::string send;
  std::string expect;
  friend auto operator<=>(const ProbeRequest&, const ProbeRequest&) = default;
};

struct ProbeOutcome {
  Reason reason = Reason::kNone;
  /// More about the reason, for people: "status 503".
  std::string detail;
  std::chrono::microseconds latency{0};
  bool success() const { return reason == Reason::kNone; }
};

class Probe {
 public:
  using Done = std::function<void(const ProbeOutcome&)>;
  virtual ~Probe() = default;
  /// `done` is called once, later, from the loop; or never, if the probe is cancelled before.
  static std::shared_ptr<Probe> start(boost::asio::io_context& loop, const ProbeRequest& request,
                                      Done done);
  virtual void cancel() = 0;
};

}  // namespace guideway::health

#endif  // GUIDEWAY_HEALTH_PROBE_H_
