// SPDX-License-Identifier: Apache-2.0
#include "guideway/health/checker.h"

#include <algorithm>
#include <map>
#include <utility>

#include "lag_meter.h"
#include "prober.h"
#include "subject.h"

namespace guideway::health {
namespace {

using std::chrono::milliseconds;

/// The first probes are spread over so much time, or one interval if that is less.
constexpr milliseconds kStartWithin{1000};

/// A backend that is to be probed, and how.
struct Wanted {
  std::string name;
  model::HealthCheck check;
  Prober::Plan plan;
  milliseconds first_after{0};
};

Prober::Plan plan_of(const model::HealthCheck& check, const model::Backend& backend,
                     std::uint16_t traffic_port) {
  Prober::Plan plan;
  ProbeRequest& request = plan.request;
  request.protocol = check.protocol;
  request.address = check.address.value_or(backend.address);
  request.port = check.port;
  if (request.port == 0) request.port = backend.port != 0 ? backend.port : traffic_port;
  if (check.protocol == model::CheckProtocol::kPing) request.port = 0;
  request.path = check.path;
  request.timeout = check.timeout;
  request.source = check.source;
  request.host = check.host;
  request.expected_status = check.expected_status;
  request.expected_text = check.expected_text;
  request.send = check.send;
  request.expect = check.expect;
  plan.interval = check.interval;
  plan.jitter_percent = check.jitter_percent;
  plan.fast_interval =
      check.fast_interval != milliseconds(0) ? check.fast_interval : check.interval;
  return plan;
}

std::map<model::BackendKey, Wanted> wanted_of(const model::Model& model) {
  std::map<model::BackendKey, Wanted> wanted;
  for (const model::Pool& pool : model.pools) {
    if (!pool.health_check) continue;
    const auto services = model::services_of(model, pool.name);
    if (services.empty()) continue;  // it is unused
    // model::validate() has seen to it that they agree.
    const std::uint16_t traffic_port = model.services[services.front()].port;
    const model::HealthCheck& check = *pool.health_check;
    for (const model::Backend& backend : pool.backends)
      if (backend.state != model::AdminState::kDisabled)
        wanted[model::key_of(pool, backend)] = {backend.name, check,
                                                plan_of(check, backend, traffic_port)};
  }
  // Over all pools: a thousand pools of one backend are as many as one of a thousand.
  milliseconds::rep i = 0;
  for (auto& [key, how] : wanted)
    how.first_after = std::min(how.check.interval, kStartWithin) * i++ /
                      static_cast<milliseconds::rep>(wanted.size());
  return wanted;
}

}  // namespace

struct Checker::State {
  /// A subject, and the prober that it listens to.
  struct Seat {
    std::unique_ptr<Subject> subject;
    Prober* prober = nullptr;
  };

  State(Environment& world, OnChange changed)
      : environment(world), on_change(std::move(changed)), lag(world) {}

  Prober& prober_of(const Prober::Plan& plan);
  void drop_idle_probers();

  Environment& environment;
  OnChange on_change;
  LagMeter lag;
  std::map<model::BackendKey, Seat> seats;
  std::map<Prober::Plan, std::unique_ptr<Prober>> probers;
  bool followed_before = false;
  Verdicts remembered;
};

Prober& Checker::State::prober_of(const Prober::Plan& plan) {
  std::unique_ptr<Prober>& prober = probers[plan];
  if (!prober) prober = std::make_unique<Prober>(environment, lag, plan);
  return *prober;
}

void Checker::State::drop_idle_probers() {
  std::erase_if(probers, [](const auto& entry) { return entry.second->is_idle(); });
}

Checker::Checker(Environment& environment, OnChange on_change)
    : state_(std::make_unique<State>(environment, std::move(on_change))) {}

Checker::~Checker() = default;

void Checker::remember(Verdicts verdicts) { state_->remembered = std::move(verdicts); }

void Checker::follow(const model::Model& model) {
  State& state = *state_;
  auto wanted = wanted_of(model);
  for (auto it = state.seats.begin(); it != state.seats.end();) {
    State::Seat& seat = it->second;
    const auto still = wanted.find(it->first);
    const bool stays = still != wanted.end();
    Prober* prober = stays ? &state.prober_of(still->second.plan) : nullptr;
    if (prober != seat.prober) seat.prober->remove(*seat.subject);
    if (prober != seat.prober && stays) prober->add(*seat.subject, still->second.first_after);
    seat.prober = prober;
    it = stays ? std::next(it) : state.seats.erase(it);
  }
  for (const auto& [key, how] : wanted) {
    State::Seat& seat = state.seats[key];
    if (!seat.subject) {
      Verdict verdict;
      verdict.presumed = !state.followed_before;
      verdict.since = state.environment.wall_clock();
      if (const auto known = state.remembered.find(key); known != state.remembered.end())
        verdict = known->second;
      seat.subject =
          std::make_unique<Subject>(state.environment, key, std::move(verdict), state.on_change);
      seat.prober = &state.prober_of(how.plan);
      seat.prober->add(*seat.subject, how.first_after);
    }
    seat.subject->follow(how.name, how.check);
  }
  state.drop_idle_probers();
  state.followed_before = true;
  state.remembered.clear();
  if (state.probers.empty()) {
    state.lag.stop();
  } else {
    state.lag.start();
  }
}

Verdicts Checker::verdicts() const {
  Verdicts all;
  for (const auto& [key, seat] : state_->seats)
    all.emplace_hint(all.end(), key, seat.subject->verdict());
  return all;
}

const Verdict* Checker::verdict(const model::BackendKey& backend) const {
  const auto found = state_->seats.find(backend);
  return found == state_->seats.end() ? nullptr : &found->second.subject->verdict();
}

std::size_t Checker::prober_count() const { return state_->probers.size(); }

}  // namespace guideway::health
