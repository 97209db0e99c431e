// SPDX-License-Identifier: Apache-2.0
// LoopEnvironment: the real world, by way of an event loop.
// Threading: the loop's.
#ifndef GUIDEWAY_HEALTH_LOOP_ENVIRONMENT_H_
#define GUIDEWAY_HEALTH_LOOP_ENVIRONMENT_H_

#include <boost/asio/io_context.hpp>
#include <memory>
#include <random>

#include "guideway/health/environment.h"

namespace guideway::health {

class LoopEnvironment : public Environment {
 public:
  explicit LoopEnvironment(boost::asio::io_context& loop) : loop_(loop) {}

  Time now() const override { return std::chrono::steady_clock::now(); }
  std::chrono::system_clock::time_point wall_clock() const override {
    return std::chrono::system_clock::now();
  }
  std::unique_ptr<Timer> make_timer() override;
  std::shared_ptr<Probe> start_probe(const ProbeRequest& request, Probe::Done done) override {
    return Probe::start(loop_, request, std::move(done));
  }
  double chance() override { return std::uniform_real_distribution<double>(-1, 1)(random_); }

 private:
  boost::asio::io_context& loop_;
  std::mt19937 random_{std::random_device{}()};
};

}  // namespace guideway::health

#endif  // GUIDEWAY_HEALTH_LOOP_ENVIRONMENT_H_
