// SPDX-License-Identifier: Apache-2.0
#include "guideway/health/probe.h"

#include "attempt.h"

namespace guideway::health {
namespace {

class TcpAttempt final : public StreamAttempt {
 public:
  using StreamAttempt::StreamAttempt;

 private:
  void connected() override { succeed(); }
};

std::shared_ptr<Attempt> make_attempt(boost::asio::io_context& loop, const ProbeRequest& request,
                                      Probe::Done done) {
  switch (request.protocol) {
    case model::CheckProtocol::kHttp:
      return make_http(loop, request, std::move(done));
    case model::CheckProtocol::kHttps:
      return make_https(loop, request, std::move(done));
    case model::CheckProtocol::kUdp:
      return make_udp(loop, request, std::move(done));
    case model::CheckProtocol::kPing:
      return make_ping(loop, request, std::move(done));
    case model::CheckProtocol::kTcp:
    case model::CheckProtocol::kExec:
      break;
  }
  return std::make_shared<TcpAttempt>(loop, request, std::move(done));
}

}  // namespace

std::shared_ptr<Probe> Probe::start(boost::asio::io_context& loop, const ProbeRequest& request,
                                    Done done) {
  auto attempt = make_attempt(loop, request, std::move(done));
  attempt->begin();
  return attempt;
}

}  // namespace guideway::health
