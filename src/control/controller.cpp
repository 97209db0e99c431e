// SPDX-License-Identifier: Apache-2.0
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include <poll.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <random>

#include "build.h"
#include "guideway/control/controller.h"
#include "guideway/health/verdicts_text.h"

namespace guideway::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kTick{1000};
/// The first change is built at once, later ones at most this often.
constexpr milliseconds kMinBuildInterval{100};
/// How long a reload waits for the neighbours of backends that are new. One that answers does so
/// within milliseconds.
constexpr milliseconds kResolveWait{1000};
constexpr int kPollWait_ms = 10;
/// Lost addresses are put back at once, but not more often than this: somebody may keep removing
/// them.
constexpr milliseconds kMinRepairInterval{1000};
/// The whole table in kSweepSlices * kSweepPeriod = 2 s; the design allows 10.
constexpr milliseconds kSweepPeriod{50};
constexpr std::size_t kSweepSlices = 40;
constexpr const char* kHealthFile = "health";

std::string make_change_id() {
  static thread_local std::mt19937_64 random{std::random_device{}()};
  return fmt::format("{:016x}", random());
}

std::set<IpAddress> owned_vips(const model::Model& model) {
  std::set<IpAddress> vips;
  for (const auto& service : model.services)
    if (service.vip == model::VipMode::kOwned) vips.insert(service.address);
  return vips;
}

std::set<IpAddress> backend_addresses(const compile::BackendIds& ids) {
  std::set<IpAddress> addresses;
  for (const auto& [id, entry] : ids.entries()) addresses.insert(entry.key.address);
  return addresses;
}

/// The kernel has said of each how to reach it, or that it cannot be reached.
bool all_known(const compile::NextHops& hops, const std::set<IpAddress>& addresses) {
  return std::all_of(addresses.begin(), addresses.end(), [&](const auto& address) {
    const auto hop = hops.find(address);
    return hop != hops.end() && hop->second.state != compile::NextHop::State::kResolving;
  });
}

/// Logs a fault that is tried again every second once, until it is another one.
void log_new(const Result<void>& result, std::string& last) {
  std::string fault = result ? std::string() : result.error().message;
  if (!fault.empty() && fault != last) spdlog::error("{}; trying again", fault);
  last = std::move(fault);
}

}  // namespace

struct Controller::Resolving {
  Build build;
  std::set<IpAddress> fresh;
  steady_clock::time_point deadline;
};

Controller::Controller(Parts parts, model::Model model, model::HashSeed seed, LoadModel load)
    : parts_(std::move(parts)),
      model_(std::move(model)),
      seed_(seed),
      load_(std::move(load)),
      checker_(parts_.loop, [this](const health::Change& change) { take_health(change); }),
      ids_(model_.capacity.backends),
      started_(steady_clock::now()),
      monitor_ready_(parts_.loop),
      tick_timer_(parts_.loop),
      build_timer_(parts_.loop),
      resolve_timer_(parts_.loop),
      sweeper_(parts_.datapath.flow_table()),
      loads_(parts_.datapath.backend_rows()) {}

/// Goes on with what an earlier daemon has left: flow entries mean what its seed and ids say, not
/// what a file says now.
void Controller::adopt() {
  const auto& kept = parts_.datapath.adopted();
  if (!kept) return;
  if (kept->hash_seed != seed_)
    spdlog::warn(
        "director.hash_seed differs from the adopted flow table's, which stays in force; the new "
        "one takes effect when nothing is adopted");
  seed_ = kept->hash_seed;
  ids_ = kept->ids;
  generation_ = kept->generation;
  spdlog::info("adopted the flow table of generation {} with {} backend id(s)", generation_,
               ids_.entries().size());
}

/// Before the first generation takes the place of an adopted one: it must not lack a neighbour that
/// that one knows. The kernel has most of them; the others answer within milliseconds.
void Controller::await_neighbours() {
  std::set<IpAddress> watched = backend_addresses(ids_);
  for (const auto& pool : model_.pools)
    for (const auto& backend : pool.backends) watched.insert(backend.address);
  const auto deadline = steady_clock::now() + kResolveWait;
  watch(watched);
  while (steady_clock::now() < deadline && !all_known(parts_.monitor.next_hops(), watched)) {
    pollfd ready{parts_.monitor.fd(), POLLIN, 0};
    if (poll(&ready, 1, kPollWait_ms) <= 0) continue;
    if (auto read = parts_.monitor.on_readable(); !read)
      spdlog::warn("netlink: {}", read.error().message);
  }
}

Controller::~Controller() {
  helper_.reset();
  // The descriptor belongs to the monitor.
  if (monitor_ready_.is_open()) monitor_ready_.release();
}

Result<void> Controller::start() {
  adopt();
  if (!ids_.entries().empty()) await_neighbours();
  remember_health();
  checker_.follow(model_);
  Build build;
  build.change_id = make_change_id();
  build.input = {model_,       parts_.monitor.next_hops(), seed_, generation_ + 1, ids_,
                 service_ids_, checker_.verdicts()};
  compile_input(build, parts_.datapath);
  if (!build.output) return base::fail(build.errors.front());
  accept(std::move(build));
  if (auto owned = place_addresses(); !owned) return owned;

  monitor_ready_.assign(parts_.monitor.fd());
  read_monitor();
  tick();
  helper_ = std::make_unique<HelperThread>(kSweepPeriod, [this] { sweep_slice(); });
  return {};
}

void Controller::read_monitor() {
  monitor_ready_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                            [this](const boost::system::error_code& error) {
                              if (error) return;
                              if (auto read = parts_.monitor.on_readable(); !read)
                                spdlog::warn("netlink: {}", read.error().message);
                              after_monitor();
                              read_monitor();
                            });
}

void Controller::tick() {
  if (auto ticked = parts_.monitor.tick(); !ticked)
    spdlog::warn("netlink: {}", ticked.error().message);
  after_monitor();
  announce();
  save_health();
  tick_timer_.expires_after(kTick);
  tick_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) tick();
  });
}

/// Acts on what the monitor has seen.
void Controller::after_monitor() {
  if (parts_.monitor.take_changed()) request_build();
  const netlink::HostEvents events = parts_.monitor.take_host_events();
  if (events.link_up) parts_.addresses.announce_again();
  if (events.link_up || events.address_lost) repair_wanted_ = true;
  if (repair_wanted_ && steady_clock::now() >= last_repair_ + kMinRepairInterval) repair();
}

void Controller::reload() {
  reload_wanted_ = true;
  start_build();
}

void Controller::request_build() {
  build_wanted_ = true;
  start_build();
}

/// Starts what is wanted, unless a job is under way (its end comes back here) or the last one was a
/// moment ago. A change that waits for its neighbours goes first, and has the latest next hops.
void Controller::start_build() {
  if (building_ || !helper_) return;
  if (resolving_) {
    if (neighbours_known()) run_compile(std::move(resolving_->build));
    return;
  }
  if (reload_wanted_) return run_load();
  if (!build_wanted_) return;
  const auto due = last_build_ + kMinBuildInterval;
  if (steady_clock::now() >= due) return run_compile(new_build(change_id_));
  build_timer_.expires_at(due);
  build_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) start_build();
  });
}

Build Controller::new_build(std::string change_id) const {
  Build build;
  build.change_id = std::move(change_id);
  build.input.model = model_;
  return build;
}

void Controller::run_load() {
  reload_wanted_ = false;
  building_ = true;
  auto build = std::make_shared<Build>(new_build(make_change_id()));
  build->from_file = true;
  helper_->run([this, build, load = load_, &loop = parts_.loop] {
    load_file(*build, load);
    boost::asio::post(loop, [this, build] { finish_load(std::move(*build)); });
  });
}

/// The model is good. Has the kernel look for the backends that are new before any flow is sent to
/// them: a pool whose backends are all replaced would be empty for a moment otherwise.
void Controller::finish_load(Build build) {
  building_ = false;
  if (!build.errors.empty()) {
    refuse(build);
    return start_build();
  }
  std::set<IpAddress> watched = backend_addresses(ids_);
  std::set<IpAddress> fresh;
  for (const auto& pool : build.input.model.pools)
    for (const auto& backend : pool.backends)
      if (watched.insert(backend.address).second) fresh.insert(backend.address);
  resolving_ = std::make_unique<Resolving>(
      Resolving{std::move(build), std::move(fresh), steady_clock::now() + kResolveWait});
  if (!resolving_->fresh.empty()) {
    watch(std::move(watched));
    resolve_timer_.expires_at(resolving_->deadline);
    resolve_timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) start_build();
    });
  }
  start_build();
}

/// Also when it has taken too long.
bool Controller::neighbours_known() const {
  if (steady_clock::now() >= resolving_->deadline) return true;
  return all_known(parts_.monitor.next_hops(), resolving_->fresh);
}

void Controller::run_compile(Build build) {
  resolving_.reset();
  resolve_timer_.cancel();
  building_ = true;
  build_wanted_ = false;
  auto job = std::make_shared<Build>(std::move(build));
  job->input = {std::move(job->input.model),
                parts_.monitor.next_hops(),
                seed_,
                generation_ + 1,
                ids_,
                service_ids_,
                checker_.verdicts()};
  helper_->run([this, job, &loop = parts_.loop, &datapath = parts_.datapath] {
    compile_input(*job, datapath);
    boost::asio::post(loop, [this, job] { finish_compile(std::move(*job)); });
  });
}

void Controller::finish_compile(Build build) {
  building_ = false;
  last_build_ = steady_clock::now();
  if (build.output) {
    const bool reloaded = build.from_file;
    const std::string id = build.change_id;
    const auto took = std::chrono::duration_cast<milliseconds>(build.took).count();
    accept(std::move(build));
    if (reloaded) repair();
    spdlog::log(reloaded ? spdlog::level::info : spdlog::level::debug,
                "generation {} published: {} (change {}, built in {} ms)", generation_,
                reloaded ? "configuration reloaded" : "routes, neighbours or health changed", id,
                took);
  } else {
    refuse(build);
    watch(backend_addresses(ids_));
    // What else it would have brought: the latest next hops.
    build_wanted_ = build.from_file;
  }
  start_build();
}

void Controller::refuse(const Build& build) const {
  for (const std::string& error : build.errors) spdlog::error("{}", error);
  spdlog::error("change {} refused: generation {} stays as it is", build.change_id, generation_);
}

void Controller::accept(Build build) {
  model_ = std::move(build.input.model);
  generation_ = build.input.generation;
  change_id_ = std::move(build.change_id);
  publish(*build.output);
  watch(backend_addresses(ids_));
  if (build.from_file) checker_.follow(model_);
}

void Controller::publish(const compile::Output& output) {
  for (const auto& [id, entry] : output.ids.entries()) {
    if (ids_.entries().count(id) == 0) parts_.datapath.forget_backend_traffic(id);
    if (entry.removed)
      removed_since_.try_emplace(id, generation_);
    else
      removed_since_.erase(id);
  }
  for (const auto& [key, id] : output.service_ids)
    if (service_ids_.count(key) == 0) parts_.datapath.forget_service_traffic(id);
  ids_ = output.ids;
  service_ids_ = output.service_ids;
  state_ = output.state;
  {
    const std::lock_guard lock(sweep_state_mutex_);
    sweep_state_ = state_;
  }
  parts_.datapath.publish(state_);
}

/// Has the kernel keep these neighbours resolved.
void Controller::watch(std::set<IpAddress> addresses) {
  if (auto watched = parts_.monitor.watch(std::move(addresses)); !watched)
    spdlog::error("{}", watched.error().message);
  if (parts_.monitor.take_changed()) build_wanted_ = true;
}

/// Has the kernel's side carry what the model says. Tries everything; what failed is tried again.
Result<void> Controller::place_addresses() {
  last_repair_ = steady_clock::now();
  Result<void> result;
  for (std::size_t i = 0; i < model_.interfaces.size() && i < parts_.kernel_names.size(); i++) {
    auto set =
        parts_.addresses.set_interface(parts_.kernel_names[i], model_.interfaces[i].addresses);
    if (!set && result) result = std::move(set);
  }
  auto owned = parts_.addresses.own_vips(owned_vips(model_), parts_.kernel_names);
  if (!owned) result = std::move(owned);
  repair_wanted_ = !result;
  return result;
}

void Controller::repair() {
  log_new(place_addresses(), address_fault_);
  announce();
}

void Controller::announce() {
  log_new(parts_.addresses.announce_due(steady_clock::now()), announce_fault_);
}

/// Goes on with the verdicts that an earlier daemon has left.
void Controller::remember_health() {
  const auto text = parts_.state_dir ? parts_.state_dir->load(kHealthFile) : std::nullopt;
  if (!text) return;
  auto verdicts = health::verdicts_of(*text);
  if (!verdicts) {
    spdlog::warn("the health verdicts in the state directory are not used: {}",
                 verdicts.error().message);
    return;
  }
  checker_.remember(std::move(*verdicts));
}

/// At most once a tick, on the helper thread: a disk may take its time.
void Controller::save_health() {
  if (!health_changed_ || !parts_.state_dir || !helper_) return;
  health_changed_ = false;
  helper_->run([text = health::to_text(checker_.verdicts()), &dir = *parts_.state_dir] {
    if (auto saved = dir.save(kHealthFile, text); !saved)
      spdlog::error("{}; after a restart, health starts from what was saved before",
                    saved.error().message);
  });
}

void Controller::take_health(const health::Change& change) {
  const bool bad = change.now.state == health::State::kUnhealthy;
  spdlog::log(bad ? spdlog::level::warn : spdlog::level::info,
              "backend {}/{}: {} -> {} after {} probe(s){}{}{}", change.backend.pool, change.name,
              health::to_string(change.from), health::to_string(change.now.state), change.probes,
              bad ? ": " : "", health::to_string(change.now.reason),
              change.now.detail.empty() ? "" : " (" + change.now.detail + ")");
  health_changed_ = true;
  request_build();
}

/// Ids of backends whose flows are to start anew elsewhere.
std::vector<bool> Controller::backends_to_reset(const compile::ForwardingState& state) {
  std::vector<bool> reset(state.backend_info.size());
  for (std::size_t id = 0; id < reset.size(); id++) reset[id] = state.backend_info[id].resets_flows;
  return reset;
}

/// Helper thread: one slice of the sweep.
void Controller::sweep_slice() {
  compile::ForwardingStatePtr state;
  {
    const std::lock_guard lock(sweep_state_mutex_);
    state = sweep_state_;
  }
  parts_.datapath.reclaim();
  // A walk under generation N may say that no entry has an id only if nobody still works with N
  // - 1.
  if (sweeper_.at_start() && !parts_.datapath.grace_passed(state->generation())) return;
  if (sweeper_.at_start()) loads_.begin_walk();
  const std::size_t slice = sweeper_.bucket_count() / kSweepSlices + 1;
  auto result = sweeper_.step(*state, backends_to_reset(*state), parts_.datapath.now_s(), slice);
  if (result) loads_.end_walk(result->live);
  loads_.tell(*state);
  if (!result) return;
  boost::asio::post(parts_.loop, [this, found = std::make_shared<const SweepResult>(
                                            std::move(*result))] { take_sweep(*found); });
}

/// Frees the ids of removed backends that have no entry left. While a build is under way its copy
/// of the ids is the newer one: the next sweep comes soon.
void Controller::take_sweep(const SweepResult& result) {
  last_sweep_ = result;
  if (building_) return;
  bool freed = false;
  for (auto it = removed_since_.begin(); it != removed_since_.end();) {
    const auto [id, since] = *it;
    if (result.generation < since || result.held[id] != 0) {
      ++it;
      continue;
    }
    spdlog::info("backend {}/{}: its last flow has ended, id {} is free", ids_.at(id).key.pool,
                 ids_.at(id).name, id);
    ids_.release(id);
    it = removed_since_.erase(it);
    freed = true;
  }
  if (freed) request_build();
}

}  // namespace guideway::control
