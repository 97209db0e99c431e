// SPDX-License-Identifier: Apache-2.0
// Controller, the way of a change: queue, model, neighbours, compile, publish.
// docs/life-of-a-change.md follows one through here.
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <boost/asio/post.hpp>

#include "build.h"
#include "change_text.h"
#include "guideway/control/controller.h"
#include "guideway/model/remarks.h"
#include "guideway/model/restart.h"
#include "plan.h"
#include "report.h"
#include "waiting.h"

namespace guideway::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using Code = ChangeOutcome::Code;

/// Changes that wait; one more is refused.
constexpr std::size_t kMostWaiting = 16;

/// What a plan may assume of backends that nobody has asked the kernel or a probe about yet.
void presume_good(compile::Input& input, const std::set<IpAddress>& fresh) {
  compile::NextHop hop;
  hop.state = compile::NextHop::State::kResolved;
  for (const IpAddress& address : fresh) input.next_hops.try_emplace(address, hop);
  for (const auto& pool : input.model.pools)
    for (const auto& backend : pool.backends)
      if (fresh.contains(backend.address))
        input.verdicts[model::key_of(pool, backend)].presumed = true;
}

}  // namespace

void Controller::reload(OnOutcome done) {
  const bool waits = std::any_of(waiting_.begin(), waiting_.end(), [](const auto& each) {
    return each.request.reload_file && !each.request.dry_run && !each.request.if_revision;
  });
  if (waits && !done) return;
  ChangeRequest request;
  request.source = "file";
  request.reload_file = true;
  change(std::move(request), std::move(done));
}

void Controller::change(ChangeRequest request, OnOutcome done) {
  if (request.change_id.empty()) request.change_id = make_change_id();
  // What nobody waits for (a signal, an expiry) is never there twice, and not refused.
  if (done && request.source != "expiry" && waiting_.size() >= kMostWaiting) {
    ChangeOutcome outcome = outcome_now(request.change_id);
    outcome.code = Code::kBusy;
    outcome.errors = {{"", "too many changes wait; try again", false}};
    return done(outcome);
  }
  waiting_.push_back({std::move(request), std::move(done)});
  start_build();
}

ChangeOutcome Controller::outcome_now(const std::string& change_id) const {
  ChangeOutcome outcome;
  outcome.revision = desired_->revision;
  outcome.generation = generation_;
  outcome.change_id = change_id;
  return outcome;
}

void Controller::request_build() {
  build_wanted_ = true;
  start_build();
}

/// Starts what is wanted and due, unless a job is under way: its end comes back here.
void Controller::start_build() {
  if (building_ || !helper_) return;
  const auto interval = model_.director.min_rebuild_interval;
  switch (turns_.take({build_wanted_, next_change()}, steady_clock::now(), interval)) {
    case BuildTurns::Next::kNothing:
      return;
    case BuildTurns::Next::kBuild:
      return run_compile(new_build(change_id_));
    case BuildTurns::Next::kChange:
      return run_change();
    case BuildTurns::Next::kLater:
      break;
  }
  build_timer_.expires_at(turns_.due(interval));
  build_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) start_build();
  });
}

/// Of the one that looks for its neighbours, or else of the first that waits.
BuildTurns::Change Controller::next_change() const {
  using enum BuildTurns::Change;
  if (resolving_ && !neighbours_known()) return kNone;
  if (resolving_) return resolving_->build.dry_run() ? kDryRun : kToPublish;
  if (waiting_.empty()) return kNone;
  return waiting_.front().request.dry_run ? kDryRun : kToRead;
}

Build Controller::new_build(std::string change_id) const {
  Build build;
  build.change_id = std::move(change_id);
  build.input.model = model_;
  return build;
}

void Controller::run_change() {
  if (resolving_) {
    Build build = std::move(resolving_->build);
    resolving_.reset();
    resolve_timer_.cancel();
    return run_compile(std::move(build));
  }
  Waiting next = std::move(waiting_.front());
  waiting_.pop_front();
  Build build = new_build(next.request.change_id);
  build.asked = Asked{std::move(next.request), std::move(next.done), desired_, false, {}, {}};
  const auto& wanted = build.asked->request.if_revision;
  if (wanted && *wanted != desired_->revision) {
    build.asked->outcome.code = Code::kConflict;
    build.asked->outcome.errors = {
        {"If-Match", revision_conflict(*wanted, desired_->revision), false}};
    build.errors = {build.asked->outcome.errors.front().message};
    return finish_refused(build);
  }
  building_ = true;
  auto job = std::make_shared<Build>(std::move(build));
  helper_->run([this, job, load = load_, &loop = parts_.loop] {
    make_model(*job, load);
    boost::asio::post(loop, [this, job] { finish_model(std::move(*job)); });
  });
}

/// The model is good. Has the kernel look for the backends that are new before any flow is sent to
/// them: a pool whose backends are all replaced would be empty for a moment otherwise.
void Controller::finish_model(Build build) {
  building_ = false;
  if (build.failed()) return finish_refused(build);
  if (build.nothing_to_compile) {
    const bool saves = build.asked->revised.to_save && !build.dry_run();
    if (saves) return run_compile(std::move(build));
    if (!build.dry_run()) desired_ = build.asked->desired;
    return finish_asked(build);
  }
  if (const auto allowed = allow_new_nat_addresses(build.input.model); !allowed) {
    build.asked->outcome.code = Code::kUnfit;
    build.asked->outcome.errors = {{"source", allowed.error().message, false}};
    build.errors = {allowed.error().message};
    return finish_refused(build);
  }
  std::set<IpAddress> fresh = unwatched(build.input.model);
  resolving_ = std::make_unique<Resolving>(
      Resolving{std::move(build), std::move(fresh), steady_clock::now() + kResolveWait});
  if (!resolving_->fresh.empty() && !resolving_->build.dry_run()) {
    watch_backends();
    resolve_timer_.expires_at(resolving_->deadline);
    resolve_timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) start_build();
    });
  }
  start_build();
}

/// The host's own connections would lose their answers as soon as such an address is published.
/// One that the host gets later is a fault that is reported: place_addresses().
Result<void> Controller::allow_new_nat_addresses(const model::Model& model) {
  std::set<IpAddress> fresh = model::nat_addresses_of(model);
  for (const IpAddress& known : model::nat_addresses_of(model_)) fresh.erase(known);
  return parts_.addresses.require_ours(fresh);
}

/// Also when it has taken too long, or nothing is to be sent to them.
bool Controller::neighbours_known() const {
  if (resolving_->build.dry_run() || steady_clock::now() >= resolving_->deadline) return true;
  return all_known(parts_.monitor.next_hops(), resolving_->fresh);
}

void Controller::run_compile(Build build) {
  building_ = true;
  build_wanted_ = build_wanted_ && (build.nothing_to_compile || build.dry_run());
  auto job = std::make_shared<Build>(std::move(build));
  built_hops_ = parts_.monitor.next_hops();
  job->input = {std::move(job->input.model),
                built_hops_,
                seed_,
                generation_ + 1,
                ids_,
                service_ids_,
                nat_ids_,
                checker_.verdicts(),
                pool_memories_,
                state_};
  if (job->dry_run()) presume_good(job->input, unwatched(job->input.model));
  helper_->run([this, job, before = desired_] {
    if (!job->nothing_to_compile) compile_input(*job);
    if (!job->failed() && !job->dry_run())
      save_and_prepare(*job, parts_.state_dir, *before, parts_.datapath);
    boost::asio::post(parts_.loop, [this, job] { finish_compile(std::move(*job)); });
  });
}

/// Addresses of the model that no backend has now.
std::set<IpAddress> Controller::unwatched(const model::Model& model) const {
  const std::set<IpAddress> known = backend_addresses(ids_);
  std::set<IpAddress> fresh;
  for (const auto& pool : model.pools)
    for (const auto& backend : pool.backends)
      if (!known.contains(backend.address)) fresh.insert(backend.address);
  return fresh;
}

void Controller::finish_compile(Build build) {
  building_ = false;
  if (build.dry_run()) {
    if (build.output) {
      build.asked->outcome.plan = plan_of(*state_, *build.output->state, last_sweep_.live);
      build.asked->outcome.plan->live_flows_age_s = live_flows_age_s();
      build.asked->outcome.plan->notes = model::remarks(build.input.model);
    }
    return build.failed() ? finish_refused(build) : finish_asked(build);
  }
  if (build.failed()) {
    turns_.built(steady_clock::now());
    watch_backends();
    // What else it would have brought: the latest next hops and health.
    if (build.asked)
      build_wanted_ = true;
    else
      retry_build_ = true;
    return finish_refused(build);
  }
  if (build.output) {
    turns_.built(steady_clock::now());
    build_fault_.clear();
    accept(build);
    report_generation(events_, generation_, change_id_, cause_of(build), build_took_);
  }
  if (build.asked) desired_ = build.asked->desired;
  finish_asked(build);
}

/// The change is in force (or was asked for as a dry run): says so to whoever asked.
void Controller::finish_asked(const Build& build) {
  if (build.asked) {
    if (!build.dry_run()) report_dropped(events_, build.change_id, build.asked->revised.dropped);
    if (!build.dry_run() && !build.output)
      report_unchanged(events_, generation_, build.change_id, cause_of(build));
    if (!build.dry_run() && !build.output && build.asked->request.reload_file) repair();
    if (!build.dry_run()) report_ended(events_, build.change_id, build.asked->revised.ended);
    answer(*build.asked, build.change_id);
  }
  start_build();
}

/// A build that nobody asked for is tried again each tick, and its fault is said once.
void Controller::finish_refused(const Build& build) {
  const std::string fault = build.asked ? std::string() : build.errors.front();
  const bool said = !build.asked && std::exchange(build_fault_, fault) == fault;
  if (!build.dry_run() && !said) {
    refused_++;
    report_refused(events_, build, generation_);
  }
  if (build.asked) answer(*build.asked, build.change_id);
  start_build();
}

void Controller::answer(const Asked& asked, const std::string& change_id) const {
  if (!asked.done) return;
  ChangeOutcome outcome = asked.outcome;
  const ChangeOutcome now = outcome_now(change_id);
  outcome.revision = now.revision;
  outcome.generation = now.generation;
  outcome.change_id = change_id;
  if (outcome.code == Code::kDone && !asked.outcome.errors.empty()) outcome.code = Code::kInvalid;
  asked.done(outcome);
}

/// Packets first: a failover waits for them, and for none of the rest.
void Controller::accept(Build& build) {
  publish(*build.output);
  if (state_) report_states(events_, model_, build.input.model, build.change_id);
  build_took_ = build.took;
  model_ = std::move(build.input.model);
  generation_ = build.input.generation;
  change_id_ = build.change_id;
  take_over(std::move(*build.output));
  watch_backends();
  if (build.asked) {
    checker_.follow(model_);
    repair();
  }
}

void Controller::publish(const compile::Output& output) {
  if (state_) pool_traffic_.take_over(*state_, *output.state, parts_.datapath.backend_rows());
  for (const auto& [id, entry] : output.ids.entries())
    if (ids_.entries().count(id) == 0) parts_.datapath.forget_backend_traffic(id);
  for (const auto& [key, id] : output.service_ids)
    if (service_ids_.count(key) == 0) parts_.datapath.forget_service_traffic(id);
  {
    const std::lock_guard lock(sweep_state_mutex_);
    sweep_state_ = output.state;
  }
  parts_.datapath.publish(output.state);
}

/// What was published is what runs now.
void Controller::take_over(compile::Output output) {
  for (const auto& [id, entry] : output.ids.entries()) {
    if (entry.removed)
      removed_since_.try_emplace(id, generation_);
    else
      removed_since_.erase(id);
  }
  ids_ = std::move(output.ids);
  service_ids_ = std::move(output.service_ids);
  nat_ids_ = std::move(output.nat_ids);
  if (pool_memories_ != output.pool_memories) {
    pool_memories_ = std::move(output.pool_memories);
    health_changed_ = true;
  }
  const compile::ForwardingStatePtr before = std::exchange(state_, std::move(output.state));
  report_panic(events_, model_, before.get(), *state_);
  report_reachable(events_, *state_, unreachable_, reachable_limit_);
}

void Controller::compare_with_file(
    std::function<void(const std::shared_ptr<const FileDifference>&)> done) {
  const auto compare = [load = load_, model = model_, desired = desired_] {
    FileDifference found;
    config::LoadResult file = load();
    found.errors = std::move(file.errors);
    found.revision = desired->revision;
    if (file.model) {
      found.changes = config::difference(file.resources, desired->running);
      found.restart_keys = model::restart_keys_changed(model, *file.model);
    }
    return found;
  };
  run_aside(compare, std::move(done));
}

/// Changes that nobody has confirmed, and marks that are over, become changes of their own.
void Controller::end_what_is_over() {
  const bool waits = std::any_of(waiting_.begin(), waiting_.end(),
                                 [](const auto& each) { return each.request.source == "expiry"; });
  if (waits || building_ || resolving_) return;
  const Moment now = Moment::now();
  if (desired_->unconfirmed && desired_->unconfirmed->until <= now.wall)
    end_by(&ChangeRequest::take_back, take_back_again_);
  if (end_marks(desired_->marks, now)) end_by(&ChangeRequest::end_marks, end_marks_again_);
}

/// If it is refused (a full disk), later again.
void Controller::end_by(bool ChangeRequest::*what, Backoff& again) {
  if (!again.may(steady_clock::now())) return;
  ChangeRequest request;
  request.source = "expiry";
  request.*what = true;
  change(std::move(request), [&again](const ChangeOutcome& outcome) {
    if (outcome.code == Code::kDone)
      again.reset();
    else
      again.failed(steady_clock::now());
  });
}

}  // namespace guideway::control
