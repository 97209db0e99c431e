// SPDX-License-Identifier: Apache-2.0
#include "run.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <thread>

#include "generator.h"
#include "guideway/datapath/dpdk/thread.h"
#include "ports.h"
#include "real_network.h"
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
  return Sizes{options.size, mtu};
}

Result<void> refuse_real_networks(const Options& options) {
  if (options.allow_real_network) return {};
  return refuse_real_network(options.device).and_then([&] {
    return options.sink ? refuse_real_network(*options.sink) : Result<void>();
  });
}

}  // namespace

Result<bool> run(const Options& options) {
  if (auto done = refuse_real_networks(options); !done) return tl::unexpected(done.error());
  const StopSignals signals;
  auto ports = Ports::open(options);
  if (!ports) return tl::unexpected(ports.error());
  const auto sizes = sizes_for(options, **ports);
  if (!sizes) return tl::unexpected(sizes.error());

  const FlowSpace flows(options.seed, options.vips, options.port, options.protocol);
  const datapath::dpdk::Port& source = (*ports)->source();
  const PacketBuilder builder(flows, *sizes, source.mac(), options.gateway);
  Sink sink(flows, options.flows, *sizes, options.gateway);
  const Waiting waiting = options.cpus.empty() ? Waiting::kSleep : Waiting::kSpin;
  Generator generator(source.id(), (*ports)->buffers(), builder,
                      TrafficPattern(options.traffic, options.flows), options.rate_pps, waiting);
  Receiver receiver((*ports)->sink().id(), sink, waiting);
  const auto interrupted = exchange(options, signals, generator, receiver, sink.counts());
  if (!interrupted) return tl::unexpected(interrupted.error());

  const Report report{.seed = options.seed,
                      .flows = options.flows,
                      .seconds = generator.seconds(),
                      .interrupted = *interrupted,
                      .sent = generator.sent(),
                      .bytes_sent = generator.bytes_sent(),
                      .device_busy = generator.device_busy(),
                      .memory = (*ports)->memory()};
  const std::string text = options.json ? as_json(report, sink, options.max_loss) + "\n"
                                        : as_text(report, sink, options.max_loss);
  std::fputs(text.c_str(), stdout);
  return problems(report, sink.counts(), options.max_loss).empty();
}

}  // namespace guideway::pktgen
