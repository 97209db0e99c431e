// SPDX-License-Identifier: Apache-2.0
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include <poll.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/post.hpp>

#include "build.h"
#include "change_text.h"
#include "guideway/control/controller.h"
#include "guideway/control/pool_memories_text.h"
#include "guideway/health/verdicts_text.h"
#include "report.h"
#include "waiting.h"

namespace guideway::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kTick{1000};
constexpr int kPollWait_ms = 10;
/// Lost addresses are put back at once, but not more often than this: somebody may keep removing
/// them.
constexpr milliseconds kMinRepairInterval{1000};
/// The whole table in kSweepSlices * kSweepPeriod = 2 s; the design allows 10.
constexpr milliseconds kSweepPeriod{50};
constexpr std::size_t kSweepSlices = 40;
constexpr const char* kHealthFile = "health";
constexpr const char* kPoolsFile = "pools";
constexpr unsigned kNetlinkWarnings = 10;
constexpr milliseconds kNetlinkWarningPeriod{1000};

std::set<IpAddress> owned_vips(const model::Model& model) {
  std::set<IpAddress> vips;
  for (const auto& service : model.services)
    if (service.vip == model::VipMode::kOwned) vips.insert(service.address);
  vips.merge(model::nat_addresses_of(model));
  return vips;
}

/// Any thread.
Result<void> save_in(const StateDir& dir, const health::Verdicts& verdicts,
                     const compile::PoolMemories& memories) {
  auto saved = dir.save(kHealthFile, health::to_text(verdicts));
  return saved ? dir.save(kPoolsFile, to_text(memories)) : saved;
}

}  // namespace

Controller::Controller(Parts parts, const config::LoadResult& file, model::HashSeed seed,
                       LoadModel load)
    : parts_(std::move(parts)),
      model_(*file.model),
      desired_(std::make_shared<const DesiredState>(
          DesiredState{.base = file.resources, .rest = file.rest, .running = file.resources})),
      seed_(seed),
      load_(std::move(load)),
      environment_(parts_.loop),
      checker_(environment_, [this](const health::Change& change) { take_health(change); }),
      netlink_limit_(kNetlinkWarnings, kNetlinkWarningPeriod),
      ids_(model_.capacity.backends),
      nat_ids_(parts_.datapath.nat_ids()),
      started_(steady_clock::now()),
      monitor_ready_(parts_.loop),
      tick_timer_(parts_.loop),
      build_timer_(parts_.loop),
      resolve_timer_(parts_.loop),
      sweeper_(parts_.datapath.flow_table(), parts_.datapath.nat_table()),
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
  events_.add(events::Kind::kStart, spdlog::level::info,
              fmt::format("adopted the flow table of generation {} with {} backend id(s)",
                          generation_, ids_.entries().size()),
              {{"generation", generation_}, {"backend_ids", ids_.entries().size()}});
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
    log_fault(parts_.monitor.on_readable());
  }
}

/// Neighbours come and go with packets, and messages about them may be lost as often.
void Controller::log_fault(const Result<void>& netlink) {
  if (netlink) return;
  if (const auto left_out = netlink_limit_.allow())
    spdlog::warn("netlink: {}{}", netlink.error().message, *left_out);
}

Controller::~Controller() {
  aside_.reset();
  helper_.reset();
  // The descriptor belongs to the monitor.
  if (monitor_ready_.is_open()) monitor_ready_.release();
}

Result<void> Controller::start() {
  adopt();
  restore_desired();
  // Before anything is published: answers for an address of the host's own would be taken from it,
  // and what is attached stays attached when the start fails.
  if (auto ours = parts_.addresses.require_ours(model::nat_addresses_of(model_)); !ours)
    return ours;
  if (!ids_.entries().empty()) await_neighbours();
  remember_health();
  checker_.follow(model_);
  Build build;
  build.change_id = make_change_id();
  build.input = {
      model_,   parts_.monitor.next_hops(), seed_,          generation_ + 1, ids_, service_ids_,
      nat_ids_, checker_.verdicts(),        pool_memories_, nullptr};
  compile_input(build);
  if (!build.failed()) save_and_prepare(build, nullptr, *desired_, parts_.datapath);
  if (!build.output) return base::fail(build.errors.front());
  accept(build);
  report_generation(events_, generation_, change_id_, Cause::kStart, build_took_);
  if (auto owned = place_addresses(); !owned) return owned;

  helper_ = std::make_unique<HelperThread>("gw-helper", kSweepPeriod, [this] { sweep_slice(); });
  aside_ = std::make_unique<HelperThread>("gw-aside");
  monitor_ready_.assign(parts_.monitor.fd());
  read_monitor();
  tick();
  return {};
}

void Controller::read_monitor() {
  monitor_ready_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                            [this](const boost::system::error_code& error) {
                              if (error) return;
                              log_fault(parts_.monitor.on_readable());
                              after_monitor();
                              read_monitor();
                            });
}

void Controller::tick() {
  log_fault(parts_.monitor.tick());
  after_monitor();
  announce();
  save_health();
  if (std::exchange(retry_build_, false)) request_build();
  end_what_is_over();
  tick_timer_.expires_after(kTick);
  tick_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) tick();
  });
}

/// The kernel says something new of what runs. New neighbours of a change are that change's, and
/// cost no build of their own.
bool Controller::network_changed() {
  if (!parts_.monitor.take_changed()) return false;
  return !resolving_ ||
         !same_hops(built_hops_, parts_.monitor.next_hops(), backend_addresses(ids_));
}

/// Acts on what the monitor has seen.
void Controller::after_monitor() {
  if (network_changed()) build_wanted_ = true;
  start_build();
  const netlink::HostEvents events = parts_.monitor.take_host_events();
  if (events.link_up) parts_.addresses.announce_again();
  if (events.link_up || events.address_lost) repair_wanted_ = true;
  // Perhaps it is a NAT address, and somebody else's.
  if (events.address_found && !model::nat_addresses_of(model_).empty()) repair_wanted_ = true;
  if (repair_wanted_ && steady_clock::now() >= last_repair_ + kMinRepairInterval) repair();
}

/// Those of a change that looks for its neighbours are among them: other builds go on meanwhile.
void Controller::watch_backends() {
  std::set<IpAddress> watched = backend_addresses(ids_);
  if (resolving_) watched.insert(resolving_->fresh.begin(), resolving_->fresh.end());
  watch(std::move(watched));
}

/// Has the kernel keep these neighbours resolved.
void Controller::watch(std::set<IpAddress> addresses) {
  if (auto watched = parts_.monitor.watch(std::move(addresses)); !watched)
    spdlog::error("{}", watched.error().message);
  if (network_changed()) build_wanted_ = true;
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
  auto ours = parts_.addresses.require_ours(model::nat_addresses_of(model_));
  if (!ours && result) result = std::move(ours);
  repair_wanted_ = !result;
  return result;
}

void Controller::repair() {
  report_fault(events_, place_addresses(), address_fault_);
  announce();
}

void Controller::announce() {
  report_fault(events_, parts_.addresses.announce_due(steady_clock::now()), announce_fault_);
}

/// What an earlier daemon has saved; empty: nothing, or nothing that is good.
std::string Controller::load_state(const char* name) {
  if (!parts_.state_dir) return "";
  auto text = parts_.state_dir->load(name);
  if (text) return std::move(*text);
  report_unusable(events_, text.error().message);
  return "";
}

/// What load_state() gave is damaged in itself: says so, and keeps it for whoever wants to know.
void Controller::set_aside(const char* name, const std::string& problem) {
  const auto kept = parts_.state_dir->set_aside(name);
  report_unusable(
      events_, fmt::format("{}; {}", problem,
                           kept ? fmt::format("set aside as {}.bad", name) : kept.error().message));
}

/// Goes on with what was changed since the file, and with the history.
void Controller::restore_desired() {
  const StateDir* dir = parts_.state_dir;
  config::LoadResult file;
  file.model = model_;
  file.resources = desired_->base;
  file.rest = desired_->rest;
  const std::string text = load_state(kDesiredFile);
  const std::string base = load_state(kBaseFile);
  Revised restored = restore(file, text, base, Moment::now());
  report_dropped(events_, "start", restored.dropped);
  report_ended(events_, "start", restored.ended);
  for (const auto& [name, found] : {std::pair(kDesiredFile, &text), std::pair(kBaseFile, &base)})
    if (restored.damaged && !found->empty())
      set_aside(name,
                fmt::format("the saved file {} is damaged, or does not go with the others", name));
  model_ = std::move(restored.model);
  desired_ = std::make_shared<const DesiredState>(std::move(restored.state));
  const std::size_t changed = config::difference(desired_->base, desired_->running).size();
  if (changed != 0)
    spdlog::info("revision {}: {} change(s) on top of the file hold (guideway diff shows them)",
                 desired_->revision, changed);
  if (!dir) return;
  const auto save_if_new = [&](const char* name, const std::string& now,
                               const std::string& before) {
    if (now == before) return;
    if (auto saved = dir->save(name, now); !saved) spdlog::error("{}", saved.error().message);
  };
  save_if_new(kBaseFile, base_text(*desired_), base);
  save_if_new(kDesiredFile, to_text(*desired_), text);
}

/// Goes on with the verdicts that an earlier daemon has left, and with its pools' last good sets.
void Controller::remember_health() {
  if (const std::string text = load_state(kHealthFile); !text.empty()) {
    if (auto verdicts = health::verdicts_of(text))
      checker_.remember(std::move(*verdicts));
    else
      set_aside(kHealthFile, "the health verdicts in the state directory are not used: " +
                                 verdicts.error().message);
  }
  if (const std::string text = load_state(kPoolsFile); !text.empty()) {
    if (auto memories = pool_memories_of(text))
      pool_memories_ = std::move(*memories);
    else
      set_aside(kPoolsFile, "what pools were like is not taken from the state directory: " +
                                memories.error().message);
  }
}

/// At most once a tick, beside the builds: a disk may take its time. What fails is tried again.
void Controller::save_health() {
  if (!health_changed_ || !parts_.state_dir || !save_again_.may(steady_clock::now())) return;
  health_changed_ = false;
  const auto save = [verdicts = checker_.verdicts(), memories = pool_memories_,
                     &dir = *parts_.state_dir] { return save_in(dir, verdicts, memories); };
  run_aside(save, [this](const std::shared_ptr<const Result<void>>& saved) {
    if (saved && *saved) return save_again_.reset();
    health_changed_ = true;
    save_again_.failed(steady_clock::now());
    if (saved)
      spdlog::error("{}; after a restart, health starts from what was saved before",
                    saved->error().message);
  });
}

void Controller::save_at_end() {
  if (!parts_.state_dir) return;
  aside_.reset();  // an older save may wait there
  const auto saved = save_in(*parts_.state_dir, checker_.verdicts(), pool_memories_);
  if (!saved) spdlog::error("{}; the next start knows health as it was", saved.error().message);
}

void Controller::take_health(const health::Change& change) {
  report_health(events_, change);
  health_changed_ = true;
  request_build();
}

/// Helper thread: one slice of the sweep.
void Controller::sweep_slice() {
  compile::ForwardingStatePtr state;
  {
    const std::lock_guard lock(sweep_state_mutex_);
    state = sweep_state_;
  }
  parts_.datapath.reclaim();
  const std::vector<bool> reset = resets_.due(*state, steady_clock::now());
  // A walk under generation N may say that no entry has an id only if nobody still works with N
  // - 1.
  if (sweeper_.at_start() && !parts_.datapath.grace_passed(state->generation())) return;
  if (sweeper_.at_start()) loads_.begin_walk();
  const std::size_t slice = sweeper_.bucket_count() / kSweepSlices + 1;
  auto result = sweeper_.step(*state, reset, parts_.datapath.now_s(), slice);
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
  std::map<std::uint16_t, compile::BackendIds::Entry> freed;
  for (auto it = removed_since_.begin(); it != removed_since_.end();) {
    const auto [id, since] = *it;
    if (result.generation < since || result.held[id] != 0) {
      ++it;
      continue;
    }
    freed.emplace(id, ids_.at(id));
    ids_.release(id);
    it = removed_since_.erase(it);
  }
  report_free_ids(events_, freed);
  if (!freed.empty()) request_build();
}

}  // namespace guideway::control
