// SPDX-License-Identifier: Apache-2.0
#include "timed_workers.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "cycles.h"
#include "undisturbed.h"

namespace guideway::bench {
namespace {

constexpr std::uint32_t kBurst = 32;
/// Flow numbers of a worker begin here times its number, and have its shard to themselves.
constexpr std::uint64_t kFlowsApart = std::uint64_t{1} << 24;

}  // namespace

struct TimedWorkers::One {
  One(FlowTable& table, const compile::ForwardingState& sizes, unsigned index, PacketRing buffers)
      : worker(table, sizes, index), ring(std::move(buffers)), random(index + 1) {}
  CoreWorker worker;
  PacketRing ring;
  Random random;
  std::uint64_t packets = 0;
};

TimedWorkers::~TimedWorkers() = default;

TimedWorkers::TimedWorkers(const WorkersSpec& spec, std::vector<unsigned> cpus)
    : spec_(spec),
      cpus_(std::move(cpus)),
      generations_({}),
      published_(spec.workers),
      swapper_(generations_, spec.swaps_per_s, cpus_.back(), [this](const auto& state) {
        published_.publish(state);
        published_.reclaim();
        return Result<void>();
      }) {}

Result<std::unique_ptr<TimedWorkers>> TimedWorkers::make(const WorkersSpec& spec) {
  const std::vector<unsigned> cpus = highest_cpus(2);
  if (cpus.size() < 2) return base::fail("this needs two CPUs");
  std::unique_ptr<TimedWorkers> workers(new TimedWorkers(spec, cpus));
  if (auto done = workers->prepare(); !done) return tl::unexpected(done.error());
  return workers;
}

Result<void> TimedWorkers::prepare() {
  auto table = FlowTable::make(spec_.entries, PageKind::kHuge, spec_.workers);
  if (!table) return tl::unexpected(table.error());
  table_ = std::make_unique<FlowTable>(std::move(*table));
  const auto state = generations_.next();
  if (!state) return tl::unexpected(state.error());
  published_.publish(*state);
  for (unsigned i = 0; i < spec_.workers; i++) {
    auto ring = PacketRing::make({});
    if (!ring) return tl::unexpected(ring.error());
    workers_.push_back(std::make_unique<One>(*table_, **state, i, std::move(*ring)));
    One& one = *workers_.back();
    one.worker.use(published_.read(i));
    establish_flows(one.worker, one.ring, i * kFlowsApart, i * kFlowsApart + spec_.flows);
  }
  result_.pages = table_->pages.kind();
  return {};
}

std::vector<double> TimedWorkers::measure(const std::vector<unsigned>& which, Swaps swaps) {
  return undisturbed(result_.repeated, [&] {
    std::vector<double> cycles(which.size());
    measure_once(which, swaps, cycles);
    return cycles;
  });
}

void TimedWorkers::measure_once(const std::vector<unsigned>& which, Swaps swaps,
                                std::vector<double>& cycles) {
  is_over_ = false;
  at_once_ = which.size();
  arrived_ = 0;
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < which.size(); i++) {
    threads.emplace_back([this, &cycles, i, index = which[i]] {
      pin_to_cpu(cpus_[index]);
      cycles[i] = work(index);
    });
  }
  if (swaps == Swaps::kMany) swapper_.start();
  std::this_thread::sleep_for(std::chrono::milliseconds(spec_.milliseconds));
  is_over_ = true;
  for (std::thread& thread : threads) thread.join();
  if (swaps == Swaps::kMany) swapper_.stop();
}

/// Cycles per packet, without what filling the ring takes. All begin each ring together: whoever
/// filled his own meanwhile would leave the others the machine.
double TimedWorkers::work(unsigned index) {
  One& one = *workers_[index];
  std::array<gw_outcome, kMaxBurst> outcomes;
  std::uint64_t due = 0;
  std::uint64_t cycles = 0;
  std::uint64_t packets = 0;
  do {
    for (std::uint32_t i = 0; i < one.ring.size(); i++)
      one.ring.fill(i, index * kFlowsApart + one.random.below(spec_.flows), kAck);
    due += at_once_;
    arrived_++;
    while (arrived_ < due && !is_over_) {
    }
    const std::uint32_t now_s = now_seconds();
    const std::uint64_t start = cycles_now();
    for (std::uint32_t at = 0; at < one.ring.size(); at += kBurst) {
      one.worker.use(published_.read(index));
      one.worker.balance(one.ring, at, kBurst, now_s, outcomes.data());
    }
    cycles += cycles_now() - start;
    packets += one.ring.size();
  } while (!is_over_);
  one.packets += packets;
  return static_cast<double>(cycles) / static_cast<double>(packets);
}

Result<WorkersResult> TimedWorkers::result() const {
  WorkersResult result = result_;
  std::uint64_t sent = 0;
  std::uint64_t forwarded = 0;
  for (const auto& one : workers_) {
    const gw_counters& counters = one->worker.counters();
    result.hits += counters.events[GW_EVENT_FLOW_HIT];
    result.misses += counters.events[GW_EVENT_FLOW_MISS];
    forwarded += counters.reasons[GW_REASON_FORWARDED];
    sent += counters.packets_in;
    result.packets += one->packets;
  }
  const std::uint64_t opened = spec_.workers * spec_.flows;  // each missed once, and was sent twice
  if (forwarded != sent || sent != result.packets + 2 * opened ||
      result.misses > opened + result.packets / 5000)
    return base::fail("of " + std::to_string(sent) + " packets " + std::to_string(forwarded) +
                      " were forwarded and " + std::to_string(result.misses) + " missed");
  const auto swaps = swapper_.swaps_per_s();
  if (!swaps) return tl::unexpected(swaps.error());
  result.swaps_per_s = *swaps;
  return result;
}

}  // namespace guideway::bench
