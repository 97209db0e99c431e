// SPDX-License-Identifier: Apache-2.0
// Controller: the only one that changes the model. It turns what the operator asked for and what
// the kernel's routes and neighbours say into generations of the forwarding state, and publishes
// them.
//
//   SIGHUP, admin socket ──> change() ──> check ──> look for new neighbours ┐
//   health checks ──────────────────────────────────────────────────────────┤
//   neighbours ────────────────────────────────────────────────────────────┴─> compile ──> publish,
//   lost addresses, links that come up ──> put VIPs back, announce              watch, own VIPs
//   sweep (helper thread, always) ──> live flows, ids that are free again
//
// docs/life-of-a-change.md follows one change through here.
// Threading: the control thread, which runs the io_context. Long work is done by a HelperThread on
// copies.
#ifndef GUIDEWAY_CONTROL_CONTROLLER_H_
#define GUIDEWAY_CONTROL_CONTROLLER_H_

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "guideway/base/log_limit.h"
#include "guideway/base/result.h"
#include "guideway/compile/compile.h"
#include "guideway/config/config.h"
#include "guideway/control/aside.h"
#include "guideway/control/backoff.h"
#include "guideway/control/build_turns.h"
#include "guideway/control/change.h"
#include "guideway/control/desired_state.h"
#include "guideway/control/explain.h"
#include "guideway/control/helper_thread.h"
#include "guideway/control/loads.h"
#include "guideway/control/pool_traffic.h"
#include "guideway/control/recent_status.h"
#include "guideway/control/resets.h"
#include "guideway/control/state_dir.h"
#include "guideway/control/status.h"
#include "guideway/control/sweeper.h"
#include "guideway/datapath/datapath.h"
#include "guideway/events/event_log.h"
#include "guideway/health/checker.h"
#include "guideway/health/loop_environment.h"
#include "guideway/model/model.h"
#include "guideway/netlink/host_addresses.h"
#include "guideway/netlink/monitor.h"

namespace guideway::control {

/// Reads the configuration again. Any thread.
using LoadModel = std::function<config::LoadResult()>;

struct Asked;
struct Build;

/// What a controller works on. All outlive it.
struct Parts {
  boost::asio::io_context& loop;
  datapath::Datapath& datapath;
  netlink::Monitor& monitor;
  netlink::HostAddresses& addresses;
  /// The kernel's side of each interface, in the model's order.
  std::vector<std::string> kernel_names;
  /// Where health verdicts and what pools remember outlive the daemon; null: nowhere.
  const StateDir* state_dir = nullptr;
};

class Controller {
 public:
  /// `file` is a good one.
  Controller(Parts parts, const config::LoadResult& file, model::HashSeed seed, LoadModel load);
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  /// Publishes the first generation, puts the VIPs on the host and starts watching. Errors: the
  /// model cannot be compiled, a VIP cannot be owned.
  Result<void> start();
  /// At an orderly end: saves what the next tick would, or what waits to be saved. run_aside()
  /// makes nothing from then on.
  void save_at_end();

  /// Reads the configuration and applies it, whole or not at all; the outcome is logged, and told
  /// to `done` if there is one.
  void reload(OnOutcome done = {});
  /// One change after the other, each whole or not at all. `done` is called when it is in force, or
  /// refused; perhaps before this returns.
  void change(ChangeRequest request, OnOutcome done);
  /// What the operator wants, and how it came to that.
  const DesiredState& desired() const { return *desired_; }
  /// The same, to be read on another thread.
  std::shared_ptr<const DesiredState> shared_desired() const { return desired_; }
  /// How what runs differs from the file; `done` is called later, with null if that cannot be made
  /// out.
  void compare_with_file(std::function<void(const std::shared_ptr<const FileDifference>&)> done);
  Explanation explain(const ExplainQuery& query) const;

  Status status() const;
  /// One that others may have been given a moment ago, but of this revision and generation.
  std::shared_ptr<const Status> recent_status();
  /// Of one of this pool's own backends alone: live flows as in status(), and a pool with nothing
  /// but its name and the backend.
  Status status_of_backend(const std::string& pool, const std::string& backend) const;
  /// What has happened since the start.
  events::EventLog& events() { return events_; }
  boost::asio::io_context& loop() { return parts_.loop; }
  /// What takes long and changes nothing: see make_aside(). No build waits for it. `done` is not
  /// called after the controller's end.
  template <typename Make, typename Done>
  void run_aside(Make make, Done done) {
    if (!aside_) return;
    make_aside(*aside_, parts_.loop, std::move(make),
               [alive = std::weak_ptr(alive_), done = std::move(done)](const auto& made) mutable {
                 if (!alive.expired()) done(made);
               });
  }
  /// The configuration in force.
  const model::Model& model() const { return model_; }

 private:
  /// A change whose new backends' neighbours are being looked for.
  struct Resolving;
  /// A change that waits for its turn.
  struct Waiting {
    ChangeRequest request;
    OnOutcome done;
  };

  void adopt();
  void restore_desired();
  std::string load_state(const char* name);
  void set_aside(const char* name, const std::string& problem);
  void await_neighbours();
  void log_fault(const Result<void>& netlink);
  void read_monitor();
  void tick();
  bool network_changed();
  void after_monitor();

  // controller_changes.cpp: the way of a change.
  ChangeOutcome outcome_now(const std::string& change_id) const;
  void request_build();
  void start_build();
  BuildTurns::Change next_change() const;
  Build new_build(std::string change_id) const;
  void run_change();
  void finish_model(Build build);
  Result<void> allow_new_nat_addresses(const model::Model& model);
  bool neighbours_known() const;
  std::set<IpAddress> unwatched(const model::Model& model) const;
  void run_compile(Build build);
  void finish_compile(Build build);
  void finish_asked(const Build& build);
  void finish_refused(const Build& build);
  void answer(const Asked& asked, const std::string& change_id) const;
  void accept(Build& build);
  void publish(const compile::Output& output);
  void take_over(compile::Output output);
  void end_what_is_over();
  void end_by(bool ChangeRequest::*what, Backoff& again);

  void watch_backends();
  void watch(std::set<IpAddress> addresses);
  Result<void> place_addresses();
  void repair();
  void announce();
  void remember_health();
  void take_health(const health::Change& change);
  void save_health();
  std::int64_t live_flows_age_s() const;
  BackendStatus describe_backend(std::size_t id, const datapath::DatapathStatus& counted,
                                 const health::Verdicts& verdicts, bool has_check) const;
  void sweep_slice();
  void take_sweep(const SweepResult& result);

  Parts parts_;
  /// Ends with the controller; the loop may go on.
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
  model::Model model_;
  /// What model_ was made of.
  std::shared_ptr<const DesiredState> desired_;
  model::HashSeed seed_;
  LoadModel load_;

  events::EventLog events_;
  health::LoopEnvironment environment_;
  health::Checker checker_;
  bool health_changed_ = false;  // or a pool's memory, since they were saved
  Backoff save_again_;
  base::LogLimit netlink_limit_;
  std::set<model::BackendKey> unreachable_;  // those that an event has named
  base::LogLimit reachable_limit_{100, std::chrono::seconds(1)};

  std::uint64_t generation_ = 0;
  std::string change_id_;
  std::chrono::steady_clock::duration build_took_{};
  std::uint64_t refused_ = 0;
  compile::BackendIds ids_;
  compile::ServiceIds service_ids_;
  compile::NatIds nat_ids_;
  compile::PoolMemories pool_memories_;
  PoolTraffic pool_traffic_;
  RecentStatus recent_status_;
  compile::ForwardingStatePtr state_;
  /// The generation that a removed backend's id was first compiled as removed in.
  std::map<std::uint16_t, std::uint64_t> removed_since_;
  SweepResult last_sweep_;
  std::chrono::steady_clock::time_point started_;

  compile::NextHops built_hops_;  // what the last build went by
  bool building_ = false;
  bool build_wanted_ = false;
  bool retry_build_ = false;  // at the next tick
  std::string build_fault_;   // of the last build that nobody asked for; said once
  std::deque<Waiting> waiting_;
  BuildTurns turns_;
  Backoff take_back_again_;
  Backoff end_marks_again_;
  std::unique_ptr<Resolving> resolving_;

  bool repair_wanted_ = false;
  std::chrono::steady_clock::time_point last_repair_{};
  /// What was logged last, so that it is logged once.
  std::string address_fault_;
  std::string announce_fault_;

  boost::asio::posix::stream_descriptor monitor_ready_;
  boost::asio::steady_timer tick_timer_;
  boost::asio::steady_timer build_timer_;
  boost::asio::steady_timer resolve_timer_;

  // Used by the helper thread alone.
  Sweeper sweeper_;
  Loads loads_;
  Resets resets_;
  // Shared with the helper thread.
  std::mutex sweep_state_mutex_;
  compile::ForwardingStatePtr sweep_state_;  // guarded by sweep_state_mutex_
  // Last: they stop first.
  std::unique_ptr<HelperThread> helper_;
  std::unique_ptr<HelperThread> aside_;
};

}  // namespace guideway::control

#endif  // GUIDEWAY_CONTROL_CONTROLLER_H_
