// SPDX-License-Identifier: Apache-2.0
#include <utility>
// Asio of Boost 1.74 needs <utility> before it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <regex>
#include <set>
#include <sstream>
#include <thread>

#include "guideway/core/layout.h"
#include "guideway/metrics/render.h"

namespace guideway::metrics {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

control::BackendStatus backend_of(const std::string& name, std::uint8_t host) {
  control::BackendStatus backend;
  backend.name = name;
  backend.address = IpAddress::v4({10, 0, 0, host});
  backend.weight = 50;
  backend.state = "enabled";
  backend.slots = 251;
  backend.traffic = {1000, 64000, 7};
  backend.live_flows = 5;
  backend.health = backend.standing = "healthy";
  backend.forced = "none";
  backend.probe_latency_us = 1500;
  backend.probes = {{"success", 40}, {"timeout", 2}};
  return backend;
}

Snapshot full_snapshot() {
  Snapshot snapshot;
  control::Status& status = snapshot.status;
  status.director = "lb1";
  status.generation = 12;
  status.build_time_us = 2500;
  status.changes_refused = 3;
  status.live_flows_age_s = 2;
  status.flow_entries = 1 << 20;
  status.flow_entries_used = 77;
  status.datapath.kind = "afxdp";
  datapath::WorkerStatus worker;
  worker.cpu = 3;
  worker.counters.packets_in = 900;
  worker.counters.reasons[GW_REASON_FORWARDED] = 890;
  worker.counters.reasons[GW_REASON_NO_BACKEND] = 10;
  worker.counters.events[GW_EVENT_FLOW_UNTRACKED] = 4;
  worker.busy_ns = 1'500'000'000;
  worker.total_ns = 6'000'000'000;
  datapath::WorkerStatus program;
  program.role = "xdp";
  program.cpu = 1;
  status.datapath.workers = {worker, program};
  datapath::InterfaceStatus interface;
  interface.name = "wan";
  interface.device = "eth1";
  interface.link_up = true;
  status.datapath.interfaces = {interface};
  status.services = {{"web", IpAddress::v4({203, 0, 113, 10}), 80, "tcp", "web", {5, 300, 2}}};
  control::PoolStatus pool{"web", "l2dsr", "maglev", 251, false, {backend_of("b1", 11)}, "normal"};
  pool.mode = "normal";
  control::BackendStatus removed = backend_of("b2", 12);
  removed.state = "removed";
  pool.backends.push_back(removed);
  pool.gone = {3, 200, 1};
  status.pools = {pool};
  snapshot.lag.add(std::chrono::microseconds(300));
  snapshot.lag.add(std::chrono::milliseconds(15));
  snapshot.lag.add(std::chrono::seconds(9));
  return snapshot;
}

/// The same line: text is the whole exposition.
#define EXPECT_LINE(text, line) EXPECT_THAT(text, HasSubstr("\n" line "\n"))

TEST(Metrics, HaveTheFiguresOfTheStatus) {
  const std::string text = render(full_snapshot());
  EXPECT_LINE(text, "guideway_generation 12");
  EXPECT_LINE(text, "guideway_generation_build_seconds 0.0025");
  EXPECT_LINE(text, "guideway_changes_refused_total 3");
  EXPECT_LINE(text, "guideway_flow_table_size_entries 1048576");
  EXPECT_LINE(text, "guideway_flow_table_used_entries 77");
  EXPECT_LINE(text, "guideway_live_flows_age_seconds 2");
  EXPECT_LINE(text, R"(guideway_packets_total{role="worker",worker="0",cpu="3",verdict="drop",)"
                    R"(reason="no_backend"} 10)");
  EXPECT_LINE(text, R"(guideway_packet_events_total{role="worker",worker="0",cpu="3",)"
                    R"(event="flows_untracked"} 4)");
  EXPECT_LINE(text, R"(guideway_worker_busy_seconds_total{role="worker",worker="0",cpu="3"} 1.5)");
  EXPECT_LINE(text, R"(guideway_worker_seconds_total{role="worker",worker="0",cpu="3"} 6)");
  EXPECT_LINE(text, R"(guideway_worker_packets_total{role="xdp",worker="1",cpu="1"} 0)");
  EXPECT_LINE(text, R"(guideway_interface_up{interface="wan",device="eth1"} 1)");
  EXPECT_LINE(text, R"(guideway_service_new_flows_total{service="web",protocol="tcp",)"
                    R"(address="203.0.113.10:80",pool="web"} 2)");
  EXPECT_LINE(text, R"(guideway_pool_packets_total{pool="web"} 2003)");
  EXPECT_LINE(text, R"(guideway_pool_bytes_total{pool="web"} 128200)");
  EXPECT_LINE(text, R"(guideway_pool_new_flows_total{pool="web"} 15)");
  EXPECT_LINE(text, R"(guideway_pool_live_flows{pool="web"} 10)");
  EXPECT_LINE(text, R"(guideway_pool_backends{pool="web",health="healthy"} 1)");
  EXPECT_LINE(text,
              R"(guideway_backend_live_flows{pool="web",backend="b1",address="10.0.0.11"} 5)");
  EXPECT_LINE(text, R"(guideway_backend_healthy{pool="web",backend="b1",address="10.0.0.11"} 1)");
  EXPECT_LINE(text, R"(guideway_backend_probes_total{pool="web",backend="b1",)"
                    R"(address="10.0.0.11",result="timeout"} 2)");
  EXPECT_LINE(text, R"(guideway_backend_probe_latency_seconds{pool="web",backend="b1",)"
                    R"(address="10.0.0.11"} 0.0015)");
}

TEST(Metrics, WhatDoesNotExistHasNoFigure) {
  Snapshot snapshot = full_snapshot();
  snapshot.status.live_flows_age_s = -1;
  const std::string text = render(snapshot);
  EXPECT_THAT(text, Not(HasSubstr("guideway_backend_live_flows")));
  EXPECT_THAT(text, Not(HasSubstr("guideway_pool_live_flows")));
  EXPECT_THAT(text, Not(HasSubstr("guideway_live_flows_age_seconds")));
  // The kernel does not say how busy the program is; a removed backend has flows, but no weight.
  EXPECT_THAT(text, Not(HasSubstr(R"(guideway_worker_busy_seconds_total{role="xdp")")));
  EXPECT_THAT(text, HasSubstr(R"(guideway_backend_packets_total{pool="web",backend="b2")"));
  EXPECT_THAT(text, Not(HasSubstr(R"(guideway_backend_weight{pool="web",backend="b2")")));
}

/// The backends that a metric has a figure of, each with its figure: "b1 1".
std::set<std::string> figures_of(const std::string& text, const std::string& metric) {
  const std::regex line("\n" + metric + R"re(\{pool="web",backend="([^"]+)"[^}]*\} (\S+))re");
  std::set<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), line), end; it != end; ++it)
    found.insert((*it)[1].str() + " " + (*it)[2].str());
  return found;
}

TEST(Metrics, OnlyAFaultIsUnhealthy) {
  Snapshot snapshot = full_snapshot();
  auto& backends = snapshot.status.pools[0].backends;
  const auto add = [&](const char* name, const char* health, const char* standing) -> auto& {
    backends.push_back(backend_of(name, 20));
    backends.back().health = health;
    backends.back().standing = standing;
    return backends.back();
  };
  add("dead", "unhealthy", "unhealthy");
  add("panicking", "panic", "unhealthy");
  add("new", "initial", "waiting");
  add("drained", "draining", "unhealthy").state = "drain";
  add("drained_without_a_check", "draining", "unchecked").state = "drain";
  add("disabled", "disabled", "unchecked").state = "disabled";
  add("forced_down", "unhealthy", "unhealthy").forced = "down";
  add("guest", "unhealthy", "unhealthy").home = "spare";
  const std::string text = render(snapshot);
  EXPECT_THAT(figures_of(text, "guideway_backend_healthy"),
              ElementsAre("b1 1", "dead 0", "new 0", "panicking 0"));
  EXPECT_THAT(figures_of(text, "guideway_backend_probe_latency_seconds"),
              ElementsAre("b1 0.0015", "dead 0.0015", "drained 0.0015", "forced_down 0.0015",
                          "new 0.0015", "panicking 0.0015"));
  EXPECT_THAT(text, Not(HasSubstr(R"(guideway_backend_probes_total{pool="web",backend="guest")")));
}

TEST(Metrics, APanicIsSeenWhateverThePoolDoesAboutIt) {
  Snapshot snapshot = full_snapshot();
  auto& pool = snapshot.status.pools[0];
  for (const char* mode : {"hold", "fallback", "fail_open"}) {
    pool.state = "panic";
    pool.mode = mode;
    pool.fails_open = pool.mode == "fail_open";
    pool.healthy_percent = 20;
    const std::string text = render(snapshot);
    EXPECT_LINE(text, "guideway_pool_healthy_percent{pool=\"web\"} 20");
    EXPECT_THAT(text,
                HasSubstr("\nguideway_pool_panic{pool=\"web\",mode=\"" + pool.mode + "\"} 1\n"));
    EXPECT_THAT(text, HasSubstr(std::string("\nguideway_pool_fails_open{pool=\"web\"} ") +
                                (pool.fails_open ? "1\n" : "0\n")));
  }
  pool.state = "initial";  // also fail_open, but there is nothing wrong
  const std::string text = render(snapshot);
  EXPECT_LINE(text, R"(guideway_pool_panic{pool="web",mode="normal"} 0)");
  EXPECT_LINE(text, R"(guideway_pool_fails_open{pool="web"} 0)");
}

TEST(Metrics, APoolHasOnlyItsOwnBackends) {
  Snapshot snapshot = full_snapshot();
  auto& pools = snapshot.status.pools;
  pools[0].backends.push_back(backend_of("guest", 13));
  pools[0].backends.back().home = "spare";
  // One that is configured no more: flows are left.
  pools.push_back({.name = "gone", .backends = {pools[0].backends[1]}});
  const std::string text = render(snapshot);
  EXPECT_LINE(text, R"(guideway_pool_backends{pool="web",health="healthy"} 1)");
  EXPECT_THAT(text, Not(HasSubstr(R"(guideway_pool_panic{pool="gone")")));
  EXPECT_THAT(text, Not(HasSubstr(R"(guideway_pool_healthy_percent{pool="gone")")));
}

TEST(Metrics, TheLagsAreAHistogram) {
  const std::string text = render(full_snapshot());
  EXPECT_LINE(text, "# TYPE guideway_loop_lag_seconds histogram");
  EXPECT_LINE(text, R"(guideway_loop_lag_seconds_bucket{le="0.001"} 1)");
  EXPECT_LINE(text, R"(guideway_loop_lag_seconds_bucket{le="0.01"} 1)");
  EXPECT_LINE(text, R"(guideway_loop_lag_seconds_bucket{le="0.02"} 2)");
  EXPECT_LINE(text, R"(guideway_loop_lag_seconds_bucket{le="+Inf"} 3)");
  EXPECT_LINE(text, "guideway_loop_lag_seconds_count 3");
}

/// Names and labels of every line of the text; a line that is none, or comes twice, is a failure.
TEST(Metrics, EachLineIsWellFormedAndOnce) {
  Snapshot snapshot = full_snapshot();
  snapshot.status.director = "a\"b\\c\nd";
  const std::regex sample(
      R"re(([a-z_]+)(\{[a-z_]+="([^"\\]|\\[\\"n])*"(,[a-z_]+="([^"\\]|\\[\\"n])*")*\})? -?[0-9.e+-]+)re");
  const std::regex comment("# (HELP guideway_[a-z_]+ [A-Z0-9].*|TYPE guideway_[a-z_]+ [a-z]+)");
  std::set<std::string> seen;
  std::istringstream lines(render(snapshot));
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line); count++) {
    EXPECT_TRUE(std::regex_match(line, line[0] == '#' ? comment : sample)) << line;
    EXPECT_TRUE(seen.insert(line.substr(0, line.rfind(' '))).second || line[0] == '#') << line;
  }
  EXPECT_GT(count, 100u);
}

TEST(LoopLag, SeesAStepThatKeepsTheLoop) {
  boost::asio::io_context loop;
  const LoopLag lag(loop);
  for (int i = 0; i < 200 && lag.lag().count() < 2; i++)
    loop.run_one_for(std::chrono::milliseconds(50));
  ASSERT_GE(lag.lag().count(), 2u);
  const double before = lag.lag().sum_s;
  std::this_thread::sleep_for(std::chrono::milliseconds(60));  // the step itself
  loop.run_one_for(std::chrono::milliseconds(50));
  EXPECT_GE(lag.lag().sum_s - before, 0.045);
}

}  // namespace
}  // namespace guideway::metrics
