// SPDX-License-Identifier: Apache-2.0
// TimedWorkers: one or two workers, each on a CPU and a shard of its own, that read their tables as
// guidewayd's do, and somebody who publishes new ones meanwhile.
// Threading: made and asked by one thread, which starts the others and waits for them.
#ifndef GUIDEWAY_TESTS_BENCH_TIMED_WORKERS_H_
#define GUIDEWAY_TESTS_BENCH_TIMED_WORKERS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "core_tables.h"
#include "core_worker.h"
#include "guideway/base/result.h"
#include "guideway/datapath/dpdk/publish.h"
#include "random.h"
#include "swapper.h"

namespace guideway::bench {

struct WorkersSpec {
  unsigned workers = 1;
  std::uint64_t flows = 100'000;  // of each worker
  std::uint64_t entries = std::uint64_t{1} << 20;
  unsigned swaps_per_s = 100;
  unsigned milliseconds = 2000;  // of a measurement: a tick of stolen time is 0.5 % of it
};

enum class Swaps { kNone, kMany };

struct WorkersResult {
  std::uint64_t packets = 0;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  PageKind pages = PageKind::kSmall;
  double swaps_per_s = 0;  // 0: there were none
  unsigned repeated = 0;
};

class TimedWorkers {
 public:
  ~TimedWorkers();

  /// Worker i runs on the i-th CPU from above; the swaps on the one below. Errors: too few CPUs; no
  /// memory.
  static Result<std::unique_ptr<TimedWorkers>> make(const WorkersSpec& spec);

  /// Mean cycles per packet of each of these workers, while all of them run at once. The mean, and
  /// not a median: what a swap costs is in a few bursts. Taken again while others disturb it.
  std::vector<double> measure(const std::vector<unsigned>& which, Swaps swaps);

  /// Errors: packets missed or were not forwarded; too few swaps.
  Result<WorkersResult> result() const;

 private:
  struct One;

  TimedWorkers(const WorkersSpec& spec, std::vector<unsigned> cpus);
  Result<void> prepare();
  void measure_once(const std::vector<unsigned>& which, Swaps swaps, std::vector<double>& cycles);
  double work(unsigned index);

  WorkersSpec spec_;
  std::vector<unsigned> cpus_;
  Generations generations_;
  datapath::dpdk::PublishedState published_;
  std::unique_ptr<FlowTable> table_;
  std::vector<std::unique_ptr<One>> workers_;
  std::uint64_t at_once_ = 0;              // workers that are measured
  std::atomic<std::uint64_t> arrived_{0};  // rings that they have filled
  std::atomic<bool> is_over_{false};
  Swapper swapper_;
  WorkersResult result_;
};

}  // namespace guideway::bench

#endif  // GUIDEWAY_TESTS_BENCH_TIMED_WORKERS_H_
