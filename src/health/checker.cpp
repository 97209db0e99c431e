// SPDX-License-Identifier: Apache-2.0
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include "guideway/health/checker.h"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <optional>
#include <random>

#include "guideway/health/judge.h"
#include "guideway/health/probe.h"

namespace guideway::health {

/// A backend that is to be probed, and how.
struct Checker::Wanted {
  std::string name;
  model::HealthCheck check;
  std::uint16_t port = 0;
  std::chrono::milliseconds first_after{0};
  friend bool operator==(const Wanted&, const Wanted&) = default;
};

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// The first probes of a pool's backends are spread over so much time, or one interval if that is
/// less.
constexpr milliseconds kStartWithin{1000};
/// Intervals vary by this part of them, so that probes do not fall into step.
constexpr double kJitter = 0.05;

/// The port of the services that use a pool; model::validate() has seen to it that it is one.
std::optional<std::uint16_t> service_port(const model::Model& model, const std::string& pool) {
  for (const model::Service& service : model.services)
    if (service.pool == pool) return service.port;
  return std::nullopt;
}

std::map<model::BackendKey, Checker::Wanted> wanted_of(const model::Model& model) {
  std::map<model::BackendKey, Checker::Wanted> wanted;
  for (const model::Pool& pool : model.pools) {
    const auto traffic_port = service_port(model, pool.name);
    if (!pool.health_check || !traffic_port) continue;  // a pool that no service uses is unused
    const model::HealthCheck& check = *pool.health_check;
    const auto step = std::min(check.interval, kStartWithin) /
                      static_cast<std::int64_t>(std::max<std::size_t>(pool.backends.size(), 1));
    milliseconds after{0};
    for (const model::Backend& backend : pool.backends) {
      std::uint16_t port = check.port;
      if (port == 0) port = backend.port != 0 ? backend.port : *traffic_port;
      wanted[model::key_of(pool, backend)] = {backend.name, check, port, after};
      after += step;
    }
  }
  return wanted;
}

milliseconds with_jitter(milliseconds interval) {
  static thread_local std::mt19937 random{std::random_device{}()};
  std::uniform_real_distribution<double> factor(1 - kJitter, 1 + kJitter);
  return milliseconds(
      static_cast<milliseconds::rep>(static_cast<double>(interval.count()) * factor(random)));
}

}  // namespace

/// One backend's probes. Shared, so that a timer that has just fired finds it gone and not freed.
class Checker::Target : public std::enable_shared_from_this<Target> {
 public:
  Target(boost::asio::io_context& loop, model::BackendKey key, Wanted wanted, Verdict verdict,
         const OnChange& on_change)
      : loop_(loop),
        timer_(loop),
        key_(std::move(key)),
        wanted_(std::move(wanted)),
        judge_(wanted_.check.healthy_threshold, wanted_.check.unhealthy_threshold, verdict.state),
        verdict_(std::move(verdict)),
        on_change_(on_change) {}

  void begin() { wait(wanted_.first_after); }

  void end() {
    timer_.cancel();
    if (probe_) probe_->cancel();
    probe_.reset();
  }

  /// Goes on with the verdict so far under what may be another check.
  void follow(const Wanted& wanted) {
    wanted_.name = wanted.name;
    if (wanted_.check == wanted.check && wanted_.port == wanted.port) return;
    end();
    wanted_ = wanted;
    judge_ =
        Judge(wanted_.check.healthy_threshold, wanted_.check.unhealthy_threshold, judge_.state());
    begin();
  }

  const Verdict& verdict() const { return verdict_; }

 private:
  void wait(steady_clock::duration delay) {
    timer_.expires_after(delay);
    timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (!error && self) self->probe();
    });
  }

  void probe() {
    const auto next = steady_clock::now() + with_jitter(wanted_.check.interval);
    probe_ = Probe::start(
        loop_,
        {wanted_.check.protocol, key_.address, wanted_.port, wanted_.check.path,
         wanted_.check.timeout},
        [weak = weak_from_this(), next](const ProbeOutcome& outcome) {
          const auto self = weak.lock();
          if (!self) return;
          self->probe_.reset();
          self->wait(std::max(next - steady_clock::now(), steady_clock::duration::zero()));
          self->take(outcome);
        });
  }

  void take(const ProbeOutcome& outcome) {
    verdict_.probes[outcome.reason]++;
    if (outcome.reason == Reason::kLocalFault) {
      verdict_.detail = outcome.detail;
      return;
    }
    const State from = judge_.state();
    const State now = judge_.take(outcome.success());
    if (outcome.success()) verdict_.latency = outcome.latency;
    if (now != from) {
      verdict_.state = now;
      verdict_.since = std::chrono::system_clock::now();
      verdict_.reason = Reason::kNone;
      verdict_.detail.clear();
    }
    if (!outcome.success()) {
      verdict_.reason = outcome.reason;
      verdict_.detail = outcome.detail;
    }
    if (now != from) on_change_({key_, wanted_.name, from, verdict_, judge_.in_a_row()});
  }

  boost::asio::io_context& loop_;
  boost::asio::steady_timer timer_;
  model::BackendKey key_;
  Wanted wanted_;
  Judge judge_;
  Verdict verdict_;
  std::shared_ptr<Probe> probe_;
  const OnChange& on_change_;
};

Checker::Checker(boost::asio::io_context& loop, OnChange on_change)
    : loop_(loop), on_change_(std::move(on_change)) {}

Checker::~Checker() {
  for (auto& [key, target] : targets_) target->end();
}

void Checker::follow(const model::Model& model) {
  auto wanted = wanted_of(model);
  for (auto it = targets_.begin(); it != targets_.end();) {
    if (wanted.count(it->first) != 0) {
      ++it;
      continue;
    }
    it->second->end();
    it = targets_.erase(it);
  }
  for (auto& [key, how] : wanted) {
    if (const auto found = targets_.find(key); found != targets_.end()) {
      found->second->follow(how);
      continue;
    }
    Verdict verdict;
    verdict.presumed = !followed_before_;
    verdict.since = std::chrono::system_clock::now();
    if (const auto known = remembered_.find(key); known != remembered_.end())
      verdict = known->second;
    const auto target =
        std::make_shared<Target>(loop_, key, std::move(how), std::move(verdict), on_change_);
    targets_.emplace(key, target);
    target->begin();
  }
  followed_before_ = true;
  remembered_.clear();
}

Verdicts Checker::verdicts() const {
  Verdicts all;
  for (const auto& [key, target] : targets_) all.emplace_hint(all.end(), key, target->verdict());
  return all;
}

}  // namespace guideway::health
