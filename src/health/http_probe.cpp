// SPDX-License-Identifier: Apache-2.0
#include "attempt.h"
#include "http_exchange.h"

namespace guideway::health {
namespace {

class HttpAttempt final : public StreamAttempt {
 public:
  using StreamAttempt::StreamAttempt;

  void exchange_failed(const boost::system::error_code& error) { fail(error); }
  void exchange_ended(Reason reason, std::string detail) { finish(reason, std::move(detail)); }

 private:
  void connected() override { exchange_.begin(self<HttpAttempt>()); }
  Reason reason_of(const boost::system::error_code& error) const override {
    const Reason reason = reason_of_http(error);
    return reason != Reason::kNone ? reason : StreamAttempt::reason_of(error);
  }

  HttpExchange<HttpAttempt, boost::asio::ip::tcp::socket> exchange_{socket(), request()};
};

}  // namespace

std::shared_ptr<Attempt> make_http(boost::asio::io_context& loop, const ProbeRequest& request,
                                   Probe::Done done) {
  return std::make_shared<HttpAttempt>(loop, request, std::move(done));
}

}  // namespace guideway::health
