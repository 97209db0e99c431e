// SPDX-License-Identifier: Apache-2.0
#include "run.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "generator.h"
#include "guideway/datapath/dpdk/thread.h"
#include "guideway/netlink/default_route.h"
#include "ports.h"
#include "rate_search.h"
#include "receiver.h"
#include "report.h"

namespace guideway::pktgen {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kProgressEvery = 1s;
/// A load balancer's queue is empty when nothing has come for so long.
constexpr auto kQuiet = 500ms;
constexpr auto kLongestDrain = 10s;

/// SIGINT and SIGTERM of the process, waited for instead of handled.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  /// Whether one came within the time.
  bool wait_for(Clock::duration time) const {
    const auto time_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
    if (time_ns <= 0) return false;
    const timespec limit{time_ns / 1'000'000'000, time_ns % 1'000'000'000};
    return sigtimedwait(&set_, nullptr, &limit) > 0;
  }

 private:
  sigset_t set_{};
};

void show_progress(double seconds, const Generator& generator, const SinkCounts& counts) {
  std::fprintf(stderr, "%6.0f s: sent %llu, received %llu, flows moved %llu, packets wrong %llu\n",
               seconds, static_cast<unsigned long long>(generator.sent()),
               static_cast<unsigned long long>(counts.received.get()),
               static_cast<unsigned long long>(counts.flows_moved.get()),
               static_cast<unsigned long long>(counts.corrupt.get()));
}

/// Waits for the end of the time, with progress. Whether a signal ended it.
bool wait_for_the_end(double seconds, const StopSignals& signals, const Generator& generator,
                      const SinkCounts& counts) {
  const auto start = Clock::now();
  const auto end =
      start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  for (auto next = start + kProgressEvery; Clock::now() < end; next += kProgressEvery) {
    if (signals.wait_for(std::min(next, end) - Clock::now())) return true;
    const auto passed = std::chrono::duration<double>(Clock::now() - start);
    show_progress(passed.count(), generator, counts);
  }
  return false;
}

/// Waits for packets that are still on their way.
void drain(std::uint64_t sent, const StopSignals& signals, const SinkCounts& counts) {
  const auto end = Clock::now() + kLongestDrain;
  auto quiet_since = Clock::now();
  std::uint64_t before = counts.received.get();
  while (before < sent && Clock::now() < end && Clock::now() - quiet_since < kQuiet) {
    if (signals.wait_for(10ms)) return;
    if (counts.received.get() == before) continue;
    before = counts.received.get();
    quiet_since = Clock::now();
  }
}

Result<void> pin(std::thread& sender, std::thread& receiver, const Options& options) {
  if (options.cpus.empty()) return {};
  return datapath::dpdk::pin(sender, options.cpus[0]).and_then([&] {
    return datapath::dpdk::pin(receiver, options.cpus[1]);
  });
}

/// Both threads, from start to end. Whether a signal ended it.
Result<bool> exchange(const Options& options, const StopSignals& signals, Generator& generator,
                      Receiver& receiver, const SinkCounts& counts) {
  std::thread receiving = datapath::dpdk::start_thread("pktgen-receive", [&] { receiver.run(); });
  std::thread sending = datapath::dpdk::start_thread("pktgen-send", [&] { generator.run(); });
  const auto pinned = pin(sending, receiving, options);
  const bool interrupted = pinned && wait_for_the_end(options.seconds, signals, generator, counts);
  generator.stop();
  sending.join();
  if (pinned) drain(generator.sent(), signals, counts);
  receiver.stop();
  receiving.join();
  if (!pinned) return tl::unexpected(pinned.error());
  return interrupted;
}

Result<Sizes> sizes_for(const Options& options, const Ports& ports) {
  const unsigned mtu = options.mtu.value_or(ports.mtu());
  if (mtu > ports.mtu()) {
    return base::fail("--mtu " + std::to_string(mtu) +
                      " is more than the device takes: " + std::to_string(ports.mtu()));
  }
  return Sizes{options.size, mtu, options.latency};
}

Result<void> refuse_real_network(const std::string& device) {
  const auto carrier = netlink::default_route_of(device);
  if (!carrier) return tl::unexpected(carrier.error());
  if (!*carrier) return {};
  return base::fail(device + " is " + **carrier +
                    ", which carries this host's default route; use another device, or "
                    "--allow-real-network if the flood may go there");
}

Result<void> refuse_real_networks(const Options& options) {
  if (options.allow_real_network) return {};
  return refuse_real_network(options.device).and_then([&] {
    return options.sink ? refuse_real_network(*options.sink) : Result<void>();
  });
}

/// What a run at one rate gave.
struct Outcome {
  Report report;
  std::unique_ptr<Sink> sink;

  std::vector<std::string> problems_beside_loss() const {
    return problems(report, sink->counts(), {.max_loss = 1});
  }
};

/// Runs over open devices, one after the other.
class Runs {
 public:
  Runs(const Options& options, const Ports& ports, const Sizes& sizes, const StopSignals& signals)
      : options_(options), ports_(ports), sizes_(sizes), signals_(signals) {}

  Result<Outcome> at(std::uint64_t rate_pps) const;
  /// Trials at rates up to options.rate_pps, or up to what can be sent.
  Result<Outcome> find_rate() const;

 private:
  const Options& options_;
  const Ports& ports_;
  const Sizes sizes_;
  const StopSignals& signals_;
};

Result<Outcome> Runs::at(std::uint64_t rate_pps) const {
  const FlowSpace flows(options_.seed, options_.vips, options_.port, options_.protocol);
  const datapath::dpdk::Port& source = ports_.source();
  const PacketBuilder builder(flows, sizes_, source.mac(), options_.gateway);
  auto sink = std::make_unique<Sink>(flows, options_.traffic.flows, sizes_, options_.gateway,
                                     options_.between);
  const Waiting waiting = options_.cpus.empty() ? Waiting::kSleep : Waiting::kSpin;
  Generator generator(source.id(), ports_.buffers(), builder,
                      TrafficSource(TrafficPattern(options_.traffic), options_.zipf, options_.seed),
                      rate_pps, waiting);
  Receiver receiver(ports_.sink().id(), *sink, waiting);
  const auto interrupted = exchange(options_, signals_, generator, receiver, sink->counts());
  if (!interrupted) return tl::unexpected(interrupted.error());
  return Outcome{{.seed = options_.seed,
                  .flows = options_.traffic.flows,
                  .seconds = generator.seconds(),
                  .interrupted = *interrupted,
                  .sent = generator.sent(),
                  .bytes_sent = generator.bytes_sent(),
                  .device_busy = generator.device_busy(),
                  .memory = ports_.memory(),
                  .latency = options_.latency,
                  .trials = {}},
                 std::move(sink)};
}

Result<Outcome> Runs::find_rate() const {
  std::optional<RateSearch> search;
  std::vector<Trial> trials;
  std::optional<Outcome> shown;
  std::uint64_t rate_pps = options_.rate_pps;
  do {
    auto outcome = at(rate_pps);
    if (!outcome) return outcome;
    const Report& report = outcome->report;
    const double loss = loss_of(report, outcome->sink->counts());
    const bool good = loss <= options_.max_loss && report.sent != 0;
    trials.push_back({rate_pps, sent_pps(report), loss, good});
    const bool is_over = report.interrupted || !outcome->problems_beside_loss().empty();
    if (!search)
      search.emplace(std::max<std::uint64_t>(
          rate_pps != 0 ? rate_pps : static_cast<std::uint64_t>(sent_pps(report)), 1));
    search->tell(good);
    if (good || is_over || !shown || search->best() == 0) shown = std::move(*outcome);
    if (is_over) break;
    rate_pps = search->next().value_or(0);
  } while (rate_pps != 0);
  shown->report.trials = std::move(trials);
  return std::move(*shown);
}

}  // namespace

Result<bool> run(const Options& options) {
  if (auto done = refuse_real_networks(options); !done) return tl::unexpected(done.error());
  const StopSignals signals;  // before DPDK starts threads, which inherit it
  auto ports = Ports::open(options);
  if (!ports) return tl::unexpected(ports.error());
  const auto sizes = sizes_for(options, **ports);
  if (!sizes) return tl::unexpected(sizes.error());
  const Runs runs(options, **ports, *sizes, signals);
  const auto outcome = options.find_rate ? runs.find_rate() : runs.at(options.rate_pps);
  if (!outcome) return tl::unexpected(outcome.error());

  const Judgement judgement{options.max_loss, options.max_late};
  const std::string text = options.json ? as_json(outcome->report, *outcome->sink, judgement) + "\n"
                                        : as_text(outcome->report, *outcome->sink, judgement);
  std::fputs(text.c_str(), stdout);
  return problems(outcome->report, outcome->sink->counts(), judgement).empty();
}

}  // namespace guideway::pktgen
