// SPDX-License-Identifier: Apache-2.0
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include <spdlog/spdlog.h>

#include <boost/asio/post.hpp>
#include <random>
#include <set>

#include "guideway/base/clock.h"
#include "guideway/control/controller.h"
#include "guideway/model/restart.h"

namespace guideway::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kTick{1000};
/// The first change is built at once, later ones at most this often.
constexpr milliseconds kMinBuildInterval{100};
/// The whole table in kSweepSlices * kSweepPeriod = 2 s; the design allows 10.
constexpr milliseconds kSweepPeriod{50};
constexpr std::size_t kSweepSlices = 40;

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

}  // namespace

/// One build, as it travels to the helper thread and back: values only.
struct Controller::Build {
  bool load_file = false;
  std::string change_id;
  model::Model running;
  compile::Input input;
  std::vector<std::string> errors;
  std::optional<compile::Output> output;
  steady_clock::duration took{};
};

Controller::Controller(Parts parts, model::Model model, model::HashSeed seed, LoadModel load)
    : parts_(std::move(parts)),
      model_(std::move(model)),
      seed_(seed),
      load_(std::move(load)),
      ids_(model_.capacity.backends),
      started_(steady_clock::now()),
      monitor_ready_(parts_.loop),
      tick_timer_(parts_.loop),
      build_timer_(parts_.loop),
      sweeper_(parts_.datapath.flow_table()) {}

Controller::~Controller() {
  helper_.reset();
  // The descriptor belongs to the monitor.
  if (monitor_ready_.is_open()) monitor_ready_.release();
}

Result<void> Controller::start() {
  Build build;
  build.change_id = make_change_id();
  build.running = model_;
  build.input = {model_, parts_.monitor.next_hops(), seed_, ++generation_, ids_, service_ids_};
  perform(build, load_);
  if (!build.output) return base::fail(build.errors.front());
  accept(std::move(build));

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
                              if (parts_.monitor.take_changed()) request_build();
                              read_monitor();
                            });
}

void Controller::tick() {
  if (auto ticked = parts_.monitor.tick(); !ticked)
    spdlog::warn("netlink: {}", ticked.error().message);
  if (parts_.monitor.take_changed()) request_build();
  tick_timer_.expires_after(kTick);
  tick_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) tick();
  });
}

void Controller::reload() {
  reload_wanted_ = true;
  start_build();
}

void Controller::request_build() {
  build_wanted_ = true;
  start_build();
}

/// Starts what is wanted, unless a build is under way (its end comes back here) or the last one was
/// a moment ago.
void Controller::start_build() {
  if (building_ || !helper_ || !(build_wanted_ || reload_wanted_)) return;
  const auto due = last_build_ + kMinBuildInterval;
  if (!reload_wanted_ && steady_clock::now() < due) {
    build_timer_.expires_at(due);
    build_timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) start_build();
    });
    return;
  }
  run_job(std::exchange(reload_wanted_, false));
}

void Controller::run_job(bool load_file) {
  building_ = true;
  build_wanted_ = false;
  auto build = std::make_shared<Build>();
  build->load_file = load_file;
  build->change_id = load_file ? make_change_id() : change_id_;
  build->running = model_;
  build->input = {model_, parts_.monitor.next_hops(), seed_, generation_ + 1, ids_, service_ids_};
  helper_->run([this, build, load = load_, &loop = parts_.loop] {
    perform(*build, load);
    boost::asio::post(loop, [this, build] { finish_build(std::move(*build)); });
  });
}

/// Helper thread: reads the file if asked to, and compiles.
void Controller::perform(Build& build, const LoadModel& load) {
  const auto begin = steady_clock::now();
  if (build.load_file) {
    auto loaded = load();
    if (!loaded) {
      build.errors = std::move(loaded.error());
      return;
    }
    for (const std::string& key : model::restart_keys_changed(build.running, *loaded))
      build.errors.push_back(key + ": a change of this needs a restart; nothing was applied");
    if (!build.errors.empty()) return;
    build.input.model = std::move(*loaded);
  }
  auto output = compile::compile(build.input);
  if (output)
    build.output = std::move(*output);
  else
    build.errors.push_back(output.error().message);
  build.took = steady_clock::now() - begin;
}

void Controller::finish_build(Build build) {
  building_ = false;
  last_build_ = steady_clock::now();
  if (build.output) {
    const bool reloaded = build.load_file;
    const std::string id = build.change_id;
    const auto took = std::chrono::duration_cast<milliseconds>(build.took).count();
    accept(std::move(build));
    spdlog::log(reloaded ? spdlog::level::info : spdlog::level::debug,
                "generation {} published: {} (change {}, built in {} ms)", generation_,
                reloaded ? "configuration reloaded" : "routes or neighbours changed", id, took);
  } else {
    for (const std::string& error : build.errors) spdlog::error("{}", error);
    spdlog::error("change {} refused: generation {} stays as it is", build.change_id, generation_);
  }
  start_build();
}

void Controller::accept(Build build) {
  model_ = std::move(build.input.model);
  generation_ = build.input.generation;
  change_id_ = std::move(build.change_id);
  publish(*build.output);
  follow_model();
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

/// Has the kernel do what the new model needs: VIPs on lo, neighbours resolved.
void Controller::follow_model() {
  if (auto owned = parts_.addresses.own_vips(owned_vips(model_), parts_.kernel_names); !owned)
    spdlog::error("{}", owned.error().message);
  if (auto watched = parts_.monitor.watch(backend_addresses(ids_)); !watched)
    spdlog::error("{}", watched.error().message);
  if (parts_.monitor.take_changed()) request_build();
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
  const std::size_t slice = sweeper_.bucket_count() / kSweepSlices + 1;
  auto result = sweeper_.step(*state, {}, parts_.datapath.now_s(), slice);
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
