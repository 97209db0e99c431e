// SPDX-License-Identifier: Apache-2.0
// health_bench: thousands of tcp checks on one event loop: how late they start, and what they cost.
// The backends are addresses of 127.0.0.0/8, served by a child process that accepts and closes.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <utility>
#include <vector>

// Asio of Boost 1.74 needs <utility> before it.
#include <boost/asio/io_context.hpp>
#include <boost/program_options.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "command_line.h"
#include "guideway/health/checker.h"
#include "guideway/health/loop_environment.h"

namespace guideway::bench {
namespace {

namespace po = boost::program_options;
using health::Environment;
using std::chrono::duration;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct Options {
  unsigned backends = 5000;
  unsigned interval_ms = 1000;
  unsigned seconds = 20;
};

/// The real world, but it notes by how much each timer was late, and how each probe ended.
class WatchedEnvironment : public health::LoopEnvironment {
 public:
  using LoopEnvironment::LoopEnvironment;

  std::unique_ptr<Timer> make_timer() override {
    return std::make_unique<WatchedTimer>(*this, LoopEnvironment::make_timer());
  }
  std::shared_ptr<health::Probe> start_probe(const health::ProbeRequest& request,
                                             health::Probe::Done done) override {
    if (watching) late_ms.push_back(duration<double, std::milli>(now() - due_).count());
    return LoopEnvironment::start_probe(
        request, [this, done = std::move(done)](const health::ProbeOutcome& outcome) {
          if (watching) ++(outcome.success() ? succeeded : failed);
          done(outcome);
        });
  }

  bool watching = false;
  std::vector<double> late_ms;
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;

 private:
  struct WatchedTimer : Timer {
    WatchedTimer(WatchedEnvironment& world, std::unique_ptr<Timer> real)
        : environment(world), timer(std::move(real)) {}
    void call_at(Time when, std::function<void()> call) override {
      timer->call_at(when, [this, when, call = std::move(call)] {
        environment.due_ = when;
        call();
      });
    }
    void cancel() override { timer->cancel(); }
    WatchedEnvironment& environment;
    std::unique_ptr<Timer> timer;
  };

  Time due_{};
};

/// A listener on all of 127.0.0.0/8; the port is the kernel's choice.
int listen_anywhere(std::uint16_t& port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (fd < 0 || bind(fd, generic, size) != 0 || listen(fd, 4096) != 0 ||
      getsockname(fd, generic, &size) != 0)
    return -1;
  port = ntohs(address.sin_port);
  return fd;
}

/// Accepts and closes until its parent is gone.
[[noreturn]] void serve(int listener) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  while (true) {
    const int fd = accept(listener, nullptr, nullptr);
    if (fd >= 0) close(fd);
  }
}

model::Model make_model(const Options& options, std::uint16_t port) {
  model::Pool pool{.name = "web"};
  for (unsigned i = 0; i < options.backends; ++i)
    pool.backends.push_back({.name = "b" + std::to_string(i),
                             .address = IpAddress::v4({127, 1, static_cast<std::uint8_t>(i / 250),
                                                       static_cast<std::uint8_t>(i % 250 + 1)})});
  model::HealthCheck check;
  check.protocol = model::CheckProtocol::kTcp;
  check.port = port;
  check.interval = milliseconds(options.interval_ms);
  check.timeout = milliseconds(options.interval_ms / 2);
  pool.health_check = check;
  model::Model model;
  model.pools = {pool};
  model.services = {{.name = "web", .port = 80, .pool = "web"}};
  return model;
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

struct Usage {
  double user_s = 0;
  double system_s = 0;
};

Usage usage() {
  rusage now{};
  getrusage(RUSAGE_SELF, &now);
  return {seconds_of(now.ru_utime), seconds_of(now.ru_stime)};
}

double at_percent(const std::vector<double>& sorted, double percent) {
  return sorted[static_cast<std::size_t>(percent / 100 * static_cast<double>(sorted.size() - 1))];
}

int report(const Options& options, WatchedEnvironment& world, const Usage& cost) {
  std::vector<double>& late = world.late_ms;
  if (late.empty() || world.failed * 1000 > world.succeeded) {
    std::fprintf(stderr, "health_bench: %zu probes, %llu failed: the figures mean nothing\n",
                 late.size(), static_cast<unsigned long long>(world.failed));
    return 1;
  }
  std::sort(late.begin(), late.end());
  const auto in_time = std::upper_bound(late.begin(), late.end(), 100.0) - late.begin();
  const double in_time_percent =
      100.0 * static_cast<double>(in_time) / static_cast<double>(late.size());
  const double took_s = options.seconds;
  // docs/benchmarks/README.md: of 5,000 checks a second.
  constexpr double kPromisedInTime = 99;
  constexpr double kPromisedOfACore = 20;
  const double user_percent = 100 * cost.user_s / took_s;
  const nlohmann::ordered_json row = {
      {"bench", "health"},
      {"backends", options.backends},
      {"interval_ms", options.interval_ms},
      {"seconds", options.seconds},
      {"probes", late.size()},
      {"failed", world.failed},
      {"within_100_ms_percent", in_time_percent},
      {"late_median_ms", at_percent(late, 50)},
      {"late_p99_ms", at_percent(late, 99)},
      {"late_most_ms", late.back()},
      {"user_percent_of_a_core", user_percent},
      {"system_percent_of_a_core", 100 * cost.system_s / took_s},
      {"in_time_is_kept", in_time_percent >= kPromisedInTime},
      {"user_share_is_kept", user_percent <= kPromisedOfACore},
  };
  std::cout << row.dump() << std::endl;
  return 0;
}

int run(const Options& options) {
  std::uint16_t port = 0;
  const int listener = listen_anywhere(port);
  if (listener < 0) {
    std::perror("health_bench: listen");
    return 1;
  }
  const pid_t server = fork();
  if (server == 0) serve(listener);
  close(listener);

  boost::asio::io_context loop;
  WatchedEnvironment world(loop);
  Usage cost;
  {
    health::Checker checker(world, [](const health::Change&) {});
    checker.follow(make_model(options, port));
    loop.run_for(seconds(2));  // the first of each
    world.watching = true;
    const Usage before = usage();
    loop.run_for(seconds(options.seconds));
    world.watching = false;
    const Usage after = usage();
    cost = {after.user_s - before.user_s, after.system_s - before.system_s};
  }
  kill(server, SIGKILL);
  waitpid(server, nullptr, 0);
  return report(options, world, cost);
}

int main(int argc, char** argv) {
  Options options;
  po::options_description description("health_bench: many tcp checks on one loop");
  // clang-format off
  description.add_options()
    ("help", "show this")
    ("backends", po::value(&options.backends)->default_value(options.backends), "at most 60000")
    ("interval-ms", po::value(&options.interval_ms)->default_value(options.interval_ms), "of each")
    ("seconds", po::value(&options.seconds)->default_value(options.seconds), "to measure");
  // clang-format on
  po::variables_map given;
  if (const auto exit = read_command_line("health_bench", argc, argv, description, given))
    return *exit;
  if (options.backends == 0 || options.backends > 60000 || options.interval_ms < 20 ||
      options.seconds == 0) {
    std::fprintf(stderr, "health_bench: see --help\n");
    return 2;
  }
  return run(options);
}

}  // namespace
}  // namespace guideway::bench

int main(int argc, char** argv) { return guideway::bench::main(argc, argv); }
