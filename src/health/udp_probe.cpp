// SPDX-License-Identifier: Apache-2.0
// UDP: one datagram goes out. With something to expect, the first answer decides. Without, silence
// is a success: all that shows a dead port is ICMP's "port unreachable".
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/udp.hpp>
#include <string_view>

#include "attempt.h"
#include "guideway/model/limits.h"

namespace guideway::health {
namespace {

using boost::asio::ip::udp;
using boost::system::error_code;

class UdpAttempt final : public Attempt {
 public:
  UdpAttempt(boost::asio::io_context& loop, ProbeRequest probe, Done done)
      : Attempt(loop, std::move(probe), std::move(done)), socket_(loop) {}

 private:
  error_code start() override {
    const udp::endpoint to(to_asio(request().address), request().port);
    error_code error;
    socket_.open(to.protocol(), error);
    if (!error && request().source)
      socket_.bind(udp::endpoint(to_asio(*request().source), 0), error);
    if (!error) socket_.connect(to, error);
    if (!error) socket_.non_blocking(true, error);
    if (!error) socket_.send(boost::asio::buffer(request().send), 0, error);
    if (!error) receive();
    return error;
  }

  void receive() {
    socket_.async_receive(boost::asio::buffer(answer_),
                          [self = self<UdpAttempt>()](const error_code& error, std::size_t size) {
                            if (self->is_over()) return;
                            if (error) return self->fail(error);
                            const std::string_view answer(self->answer_.data(), size);
                            if (answer.starts_with(self->request().expect)) return self->succeed();
                            self->finish(Reason::kBodyMismatch, "an answer of another kind");
                          });
  }

  void expired() override {
    if (request().expect.empty()) return succeed();
    Attempt::expired();
  }

  void close() override {
    error_code ignored;
    socket_.close(ignored);
  }

  udp::socket socket_;
  /// As much as can be expected; the rest of the datagram is not looked at.
  std::array<char, model::kMaxCheckTextSize> answer_{};
};

}  // namespace

std::shared_ptr<Attempt> make_udp(boost::asio::io_context& loop, const ProbeRequest& request,
                                  Probe::Done done) {
  return std::make_shared<UdpAttempt>(loop, request, std::move(done));
}

}  // namespace guideway::health
