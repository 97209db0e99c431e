// SPDX-License-Identifier: Apache-2.0
// Checker: probes the backends of all pools that have a health check and a service, each in its own
// interval, and keeps a verdict for each. A probe never overlaps the next one of its backend.
// Threading: the event loop's.
#ifndef GUIDEWAY_HEALTH_CHECKER_H_
#define GUIDEWAY_HEALTH_CHECKER_H_

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "guideway/health/verdict.h"
#include "guideway/model/model.h"

namespace guideway::health {

/// A backend's state has changed.
struct Change {
  model::BackendKey backend;
  std::string name;
  State from = State::kInitial;
  Verdict now;
  /// Probes in a row that led to it.
  std::uint32_t probes = 0;
};

class Checker {
 public:
  using OnChange = std::function<void(const Change&)>;
  struct Wanted;

  Checker(boost::asio::io_context& loop, OnChange on_change);
  ~Checker();
  Checker(const Checker&) = delete;
  Checker& operator=(const Checker&) = delete;

  /// What is known from before the first follow(): those backends start with that verdict.
  void remember(Verdicts verdicts) { remembered_ = std::move(verdicts); }
  /// Probes what this model wants probed from now on. Backends that stay keep their verdict; those
  /// of the first call that nothing is remembered of are presumed good.
  void follow(const model::Model& model);

  Verdicts verdicts() const;

 private:
  class Target;

  boost::asio::io_context& loop_;
  OnChange on_change_;
  std::map<model::BackendKey, std::shared_ptr<Target>> targets_;
  bool followed_before_ = false;
  Verdicts remembered_;
};

}  // namespace guideway::health

#endif  // GUIDEWAY_HEALTH_CHECKER_H_
