// SPDX-License-Identifier: Apache-2.0
// Attempt: what all kinds of probes share: one deadline, one outcome, one way to end.
// Threading: the event loop's.
#ifndef GUIDEWAY_HEALTH_ATTEMPT_H_
#define GUIDEWAY_HEALTH_ATTEMPT_H_

#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <memory>
#include <string>

#include "guideway/health/probe.h"

namespace guideway::health {

boost::asio::ip::address to_asio(const IpAddress& address);

class Attempt : public Probe, public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(boost::asio::io_context& loop, ProbeRequest request, Done done);

  void begin();
  void cancel() final;

 protected:
  /// Starts the first operation. An error ends the attempt.
  virtual boost::system::error_code start() = 0;
  /// Closes what is open, so that operations under way end.
  virtual void close() = 0;
  /// The deadline is over.
  virtual void expired() { finish(Reason::kTimeout, "no answer in time"); }
  virtual Reason reason_of(const boost::system::error_code& error) const;

  const ProbeRequest& request() const { return request_; }
  bool is_over() const { return !done_; }
  void finish(Reason reason, std::string detail);
  void succeed() { finish(Reason::kNone, ""); }
  void fail(const boost::system::error_code& error) { finish(reason_of(error), error.message()); }
  template <typename Self>
  std::shared_ptr<Self> self() {
    return std::static_pointer_cast<Self>(shared_from_this());
  }

 private:
  ProbeRequest request_;
  Done done_;
  boost::asio::steady_timer deadline_;
  std::chrono::steady_clock::time_point started_;
};

/// A TCP connection, which ends by a reset.
class StreamAttempt : public Attempt {
 public:
  StreamAttempt(boost::asio::io_context& loop, ProbeRequest probe, Done done)
      : Attempt(loop, std::move(probe), std::move(done)), socket_(loop) {}

 protected:
  virtual void connected() = 0;
  boost::asio::ip::tcp::socket& socket() { return socket_; }

 private:
  boost::system::error_code start() final;
  void close() override;

  boost::asio::ip::tcp::socket socket_;
};

/// The kinds that have a file of their own.
std::shared_ptr<Attempt> make_http(boost::asio::io_context& loop, const ProbeRequest& request,
                                   Probe::Done done);
std::shared_ptr<Attempt> make_https(boost::asio::io_context& loop, const ProbeRequest& request,
                                    Probe::Done done);
std::shared_ptr<Attempt> make_udp(boost::asio::io_context& loop, const ProbeRequest& request,
                                  Probe::Done done);
std::shared_ptr<Attempt> make_ping(boost::asio::io_context& loop, const ProbeRequest& request,
                                   Probe::Done done);

}  // namespace guideway::health

#endif  // GUIDEWAY_HEALTH_ATTEMPT_H_
