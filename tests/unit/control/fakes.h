// SPDX-License-Identifier: Apache-2.0
// What a controller works on, without a kernel or a NIC: a flow table in memory, next hops that the
// test sets, and a record of what was asked for.
// Threading: as the interfaces say; what both threads see is guarded.
#ifndef GUIDEWAY_TESTS_UNIT_CONTROL_FAKES_H_
#define GUIDEWAY_TESTS_UNIT_CONTROL_FAKES_H_

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "guideway/datapath/datapath.h"
#include "guideway/netlink/host_addresses.h"
#include "guideway/netlink/monitor.h"

namespace guideway::control {

class FakeDatapath : public datapath::Datapath {
 public:
  explicit FakeDatapath(std::uint32_t buckets) : buckets_(buckets) {}

  const std::optional<datapath::KeptFlows>& adopted() const override { return kept; }
  Result<void> prepare(const compile::ForwardingStatePtr& state) override {
    if (prepare_fails) {
      refused++;
      return base::fail("there is no room for it");
    }
    prepared.push_back(state->generation());
    return {};
  }
  void publish(compile::ForwardingStatePtr state) override {
    published.push_back(state->generation());
    state_ = std::move(state);
    if (on_publish) on_publish();
  }
  bool grace_passed(std::uint64_t) const override { return grace; }
  void reclaim() override {}
  datapath::FlowTableView flow_table() override {
    return {buckets_, 1, static_cast<std::uint32_t>(buckets_.size())};
  }
  std::uint32_t now_s() const override { return now; }
  compile::NatIds nat_ids() override { return compile::NatIds(2); }
  void forget_backend_traffic(std::uint16_t id) override { forgotten_backends.insert(id); }
  void forget_service_traffic(std::uint16_t id) override { forgotten_services.insert(id); }
  std::vector<std::span<gw_traffic>> backend_rows() override { return {first_row, second_row}; }
  datapath::DatapathStatus status() const override {
    statuses++;
    return {};
  }
  bool forwards_without_daemon() const override { return false; }
  void stop(datapath::End) override {}

  const compile::ForwardingState& state() const { return *state_; }
  std::uint64_t& word(std::size_t bucket, std::size_t way) { return buckets_[bucket].words[way]; }

  std::optional<datapath::KeptFlows> kept;
  /// Every prepare() from now on.
  std::atomic<bool> prepare_fails{false};
  std::atomic<int> refused{0};
  /// How often it was asked.
  mutable std::atomic<int> statuses{0};
  std::vector<std::uint64_t> prepared;
  std::vector<std::uint64_t> published;
  std::function<void()> on_publish;
  std::set<std::uint16_t> forgotten_backends;
  std::set<std::uint16_t> forgotten_services;
  std::atomic<bool> grace{true};
  std::atomic<std::uint32_t> now{100};
  /// Of two workers. Before the controller is made: as many backends as it may have.
  std::vector<gw_traffic> first_row = std::vector<gw_traffic>(64);
  std::vector<gw_traffic> second_row = std::vector<gw_traffic>(64);

 private:
  std::vector<gw_flow_bucket> buckets_;
  compile::ForwardingStatePtr state_;
};

class FakeMonitor : public netlink::Monitor {
 public:
  FakeMonitor() {
    if (pipe(pipe_) != 0) std::abort();
  }
  ~FakeMonitor() override {
    close(pipe_[0]);
    close(pipe_[1]);
  }
  FakeMonitor(const FakeMonitor&) = delete;
  FakeMonitor& operator=(const FakeMonitor&) = delete;

  /// What the kernel says from now on; wakes the controller.
  void set(const IpAddress& address, compile::NextHop::State state) {
    compile::NextHop hop;
    hop.state = state;
    hop.destination = Mac{{2, 0, 0, 0, 0, address.bytes()[3]}};
    hop.source = Mac{{2, 0, 0, 0, 0, 0xaa}};
    next_hops_[address] = hop;
    changed_ = true;
    wake();
  }
  void happen(netlink::HostEvents events) {
    events_ = events;
    wake();
  }

  int fd() const override { return pipe_[0]; }
  Result<void> on_readable() override {
    char byte = 0;
    if (read(pipe_[0], &byte, 1) != 1) return base::fail("pipe");
    return {};
  }
  Result<void> watch(std::set<IpAddress> addresses) override {
    watched = std::move(addresses);
    return {};
  }
  Result<void> tick() override { return {}; }
  const compile::NextHops& next_hops() const override { return next_hops_; }
  bool take_changed() override { return std::exchange(changed_, false); }
  netlink::HostEvents take_host_events() override { return std::exchange(events_, {}); }

  std::set<IpAddress> watched;

 private:
  void wake() {
    const char byte = 0;
    if (write(pipe_[1], &byte, 1) != 1) std::abort();
  }

  int pipe_[2];
  compile::NextHops next_hops_;
  netlink::HostEvents events_;
  bool changed_ = false;
};

class FakeAddresses : public netlink::HostAddresses {
 public:
  Result<void> set_interface(const std::string& name, const std::vector<IpPrefix>&) override {
    interfaces_set.push_back(name);
    return {};
  }
  Result<void> own_vips(const std::set<IpAddress>& wanted,
                        const std::vector<std::string>&) override {
    calls++;
    if (!fault.empty()) return base::fail(fault);
    vips = wanted;
    return {};
  }
  Result<void> require_ours(const std::set<IpAddress>& wanted) override {
    for (const IpAddress& address : wanted)
      if (foreign.contains(address)) return base::fail(address.to_string() + " is foreign");
    return {};
  }
  Result<void> announce_due(std::chrono::steady_clock::time_point) override {
    announcements++;
    return {};
  }
  void announce_again() override { announced_again++; }
  void release() override { vips.clear(); }
  void leave() override {}

  std::string fault;
  std::set<IpAddress> vips;
  std::set<IpAddress> foreign;
  std::vector<std::string> interfaces_set;
  int calls = 0;
  int announcements = 0;
  int announced_again = 0;
};

}  // namespace guideway::control

#endif  // GUIDEWAY_TESTS_UNIT_CONTROL_FAKES_H_
