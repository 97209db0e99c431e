// SPDX-License-Identifier: Apache-2.0
// ControllerTest: a controller on fakes, whose file is a model that the test changes.
// Threading: the test's; the file is read on the helper thread, while the test waits.
#ifndef GUIDEWAY_TESTS_UNIT_CONTROL_CONTROLLER_FIXTURE_H_
#define GUIDEWAY_TESTS_UNIT_CONTROL_CONTROLLER_FIXTURE_H_

#include <utility>
// Asio of Boost 1.74 needs <utility> before it.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "fakes.h"
#include "guideway/control/controller.h"

namespace guideway::control {

inline IpAddress address(const std::string& text) { return IpAddress::parse(text).value(); }

inline model::Backend backend(std::uint8_t host) {
  model::Backend result;
  result.name = "b" + std::to_string(host);
  result.address = IpAddress::v4({10, 0, 0, host});
  return result;
}

/// One service on pool "web" with these backends.
inline model::Model make_model(std::vector<model::Backend> backends) {
  model::Model model;
  model.capacity.backends = 8;
  model::Pool pool;
  pool.name = "web";
  pool.table_size = 251;
  pool.backends = std::move(backends);
  model.pools = {pool};
  model::Service service;
  service.name = "http";
  service.address = address("203.0.113.10");
  service.port = 80;
  service.pool = "web";
  model.services = {service};
  return model;
}

class ControllerTest : public testing::Test {
 protected:
  ControllerTest() { file_ = make_model({backend(1), backend(2)}); }

  /// The file, or its errors.
  config::LoadResult loaded() const {
    config::LoadResult result;
    if (file_errors_.empty())
      result.model = file_;
    else
      result.errors = file_errors_;
    return result;
  }

  void make_controller() {
    controller_ =
        std::make_unique<Controller>(Parts{loop_, datapath_, monitor_, addresses_, {"gw-wan"}},
                                     loaded(), model::HashSeed{1, 2, 3}, [this] {
                                       loads_++;
                                       if (load_throws_) throw std::runtime_error("out of luck");
                                       return loaded();
                                     });
  }

  void start() {
    make_controller();
    const auto started = controller_->start();
    ASSERT_TRUE(started) << started.error().message;
  }

  /// Runs the event loop until it holds; fails after 20 s.
  testing::AssertionResult reaches(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline)
        return testing::AssertionFailure() << "not within 20 s";
      loop_.run_one_for(std::chrono::milliseconds(50));
    }
    return testing::AssertionSuccess();
  }

  BackendStatus backend_status(const std::string& name) const {
    const Status status = controller_->status();
    for (const auto& pool : status.pools)
      for (const auto& backend : pool.backends)
        if (backend.name == name) return backend;
    return {};
  }

  boost::asio::io_context loop_;
  FakeDatapath datapath_{64};
  FakeMonitor monitor_;
  FakeAddresses addresses_;
  model::Model file_;
  std::vector<std::string> file_errors_;
  std::atomic<bool> load_throws_ = false;
  std::atomic<int> loads_ = 0;
  std::unique_ptr<Controller> controller_;
};

}  // namespace guideway::control

#endif  // GUIDEWAY_TESTS_UNIT_CONTROL_CONTROLLER_FIXTURE_H_
