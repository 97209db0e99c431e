// SPDX-License-Identifier: Apache-2.0
// MetricsServer: HTTP/1.1 over TCP that can only be read from: GET /metrics.
// Clients are hostile input: 16 connections, 8 KiB of header, no body, kPatience. What they cost is
// bounded, too: they share a text that is at most kFresh old.
// Threading: the control thread, which runs the io_context.
#ifndef GUIDEWAY_METRICS_METRICS_SERVER_H_
#define GUIDEWAY_METRICS_METRICS_SERVER_H_

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "guideway/base/result.h"

namespace boost::asio {
class io_context;
}

namespace guideway::metrics {

using Text = std::shared_ptr<const std::string>;

class MetricsServer {
 public:
  static constexpr std::chrono::milliseconds kFresh{200};
  /// For a request to arrive, and again for its answer to be taken: then the client is left.
  static constexpr std::chrono::milliseconds kPatience{10'000};

  using Done = std::function<void(const Text&)>;
  /// Has the text made and gives it to Done, once, on the control thread; null: it cannot be made.
  /// Never, when everything ends first.
  using Make = std::function<void(Done)>;

  /// Listens on `address`, "127.0.0.1:9641" or "[::1]:9641".
  static Result<std::unique_ptr<MetricsServer>> open(
      boost::asio::io_context& loop, const std::string& address, Make make,
      std::chrono::milliseconds patience = kPatience);
  virtual ~MetricsServer() = default;
  /// Where it listens: the port that port 0 has become.
  virtual std::uint16_t port() const = 0;
};

}  // namespace guideway::metrics

#endif  // GUIDEWAY_METRICS_METRICS_SERVER_H_
