// SPDX-License-Identifier: Apache-2.0
// Probe: one attempt to reach one backend, within one deadline. The answer is hostile input: of
// HTTP only a header of 8 KiB is read, and no byte of the body. The connection ends by a reset, so
// thousands of probes leave no TIME_WAIT behind.
// Threading: the event loop's.
// Source: RFC 9110 §15 (status codes), RFC 9112 (message syntax).
#ifndef GUIDEWAY_HEALTH_PROBE_H_
#define GUIDEWAY_HEALTH_PROBE_H_

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "guideway/base/address.h"
#include "guideway/health/verdict.h"

namespace guideway::health {

struct ProbeRequest {
  model::CheckProtocol protocol = model::CheckProtocol::kTcp;  // kTcp or kHttp
  IpAddress address;
  std::uint16_t port = 0;
  std::string path = "/";  // kHttp
  std::chrono::milliseconds timeout{5000};
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
