// SPDX-License-Identifier: Apache-2.0
#include "xdp_programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "guideway/bpf/libbpf_log.h"
#include "guideway/datapath/counters.h"
#include "guideway/datapath/xdp/program_counters.h"
#include "guideway/model/model.h"

namespace guideway::bench {

extern const std::span<const unsigned char> lru_bytes;
extern const std::span<const unsigned char> feeder_bytes;

namespace {

using bpf::LibbpfLog;
using datapath::xdp::BalancerObject;
using datapath::xdp::CopyMaps;
using datapath::xdp::MappedMap;

/// An outer IPv4 header.
constexpr std::uint32_t kIpipGrowth = 20;

tl::unexpected<Error> refused(const std::string& what, int error, const LibbpfLog& log) {
  return base::fail("cannot " + what + ": " + std::strerror(error) + "; run as root. " +
                    log.quote());
}

bpf_map* internal_map(bpf_object* object, const std::string& section) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    if (std::string(bpf_map__name(map)).ends_with(section)) return map;
  }
  return nullptr;
}

/// The program's read-only data, which is nothing but its limits.
bool set_limits(bpf_object* object, const gw_limits& limits) {
  bpf_map* map = internal_map(object, ".rodata");
  std::size_t size = 0;
  if (!map || !bpf_map__initial_value(map, &size) || size != sizeof limits) return false;
  return bpf_map__set_initial_value(map, &limits, size) == 0;
}

bool reuse(bpf_object* object, const BalancerObject::Maps& maps) {
  return std::ranges::all_of(maps, [&](const auto& entry) {
    bpf_map* map = bpf_object__find_map_by_name(object, entry.first.c_str());
    return map && bpf_map__reuse_fd(map, entry.second) == 0;
  });
}

int program_fd(bpf_object* object, const char* name) {
  return bpf_program__fd(bpf_object__find_program_by_name(object, name));
}

}  // namespace

void XdpPrograms::Close::operator()(bpf_object* object) const { bpf_object__close(object); }

Result<std::unique_ptr<XdpPrograms>> XdpPrograms::load(const XdpTables& tables) {
  const model::Capacity capacity;
  const gw_limits limits =
      datapath::xdp::limits_for({.services = capacity.services,
                                 .pools = capacity.pools,
                                 .slots = capacity.slots,
                                 .backends = capacity.backends,
                                 .shape = {1, tables.flow_entries / GW_FLOW_WAYS}});
  auto balancer = BalancerObject::load("bench", limits, {});
  if (!balancer) return tl::unexpected(balancer.error());
  std::unique_ptr<XdpPrograms> programs(new XdpPrograms(std::move(*balancer), tables));
  auto ready = programs->publish(limits)
                   .and_then([&] { return programs->load_lru(limits, tables); })
                   .and_then([&] { return programs->load_feeder(); });
  if (!ready) return tl::unexpected(ready.error());
  return programs;
}

Result<void> XdpPrograms::publish(const gw_limits& l) {
  auto maps = CopyMaps::of(balancer_, l);
  if (!maps) return tl::unexpected(maps.error());
  auto counters = datapath::xdp::ProgramCounters::rows_of(balancer_, l);
  if (!counters) return tl::unexpected(counters.error());
  counters_ = std::move(*counters);
  tables_ = std::make_unique<datapath::xdp::TableCopies>(std::move(*maps));
  return generations_.next().and_then([&](const auto& state) { return swap(state); });
}

Result<void> XdpPrograms::swap(const compile::ForwardingStatePtr& state) {
  if (auto prepared = tables_->prepare(state); !prepared) return prepared;
  tables_->publish(state);
  return {};
}

Result<void> XdpPrograms::load_lru(const gw_limits& limits, const XdpTables& tables) {
  const LibbpfLog log;
  lru_.reset(bpf_object__open_mem(lru_bytes.data(), lru_bytes.size(), nullptr));
  if (!lru_) return refused("open the program with the LRU hash", errno, log);
  bpf_map* flows = bpf_object__find_map_by_name(lru_.get(), "bench_lru");
  if (!set_limits(lru_.get(), limits) || !reuse(lru_.get(), balancer_.shared_maps()) || !flows ||
      bpf_map__set_max_entries(flows, tables.flow_entries) != 0)
    return base::fail("the program with the LRU hash does not fit the balancer's maps");
  if (int error = bpf_object__load(lru_.get()))
    return refused("load the program with the LRU hash", -error, log);
  return {};
}

Result<void> XdpPrograms::load_feeder() {
  const LibbpfLog log;
  feeder_.reset(bpf_object__open_mem(feeder_bytes.data(), feeder_bytes.size(), nullptr));
  if (!feeder_) return refused("open the feeder", errno, log);
  if (int error = bpf_object__load(feeder_.get())) return refused("load the feeder", -error, log);
  feeder_fd_ = program_fd(feeder_.get(), "bench_feeder");
  const int programs = bpf_object__find_map_fd_by_name(feeder_.get(), "bench_programs");
  const std::array<int, BENCH_PROGRAMS> fds = {program_fd(feeder_.get(), "bench_empty"),
                                               balancer_.program_fd(),
                                               program_fd(lru_.get(), "balancer_lru")};
  for (std::uint32_t i = 0; i < fds.size(); i++)
    if (bpf_map_update_elem(programs, &i, &fds[i], BPF_ANY) != 0)
      return refused("give the feeder its programs", errno, log);
  auto feed =
      MappedMap<bench_feed>::make(bpf_map__fd(internal_map(feeder_.get(), ".bss")), 1, ".bss");
  if (!feed) return tl::unexpected(feed.error());
  feed_ = std::move(*feed);
  return {};
}

Result<void> XdpPrograms::run(const Packets& packets) {
  bench_feed& feed = feed_[0];
  feed.seed = 0x5eed;
  feed.flows = packets.flows;
  if (packets.flows == 0) feed.next = packets.first;
  feed.program = packets.program;
  feed.growth = packets.program == BENCH_EMPTY ? 0 : kIpipGrowth;
  feed.tcp_flags = packets.tcp_flags;
  std::memcpy(&feed.vip, service_address(Family::kIpv4, 0).bytes().data(), sizeof feed.vip);
  feed.port = kServicePort;
  feed.made = 0;
  slices_at_once_ = packets.slices_at_once;
  const std::array<std::uint8_t, BENCH_FRAME_LENGTH> frame{};
  std::uint32_t verdict = XDP_TX;
  for (std::uint64_t left = packets.count; left > 0 && verdict == XDP_TX;) {
    const std::uint64_t count = std::min(left, packets.slices_at_once * BENCH_SLICE);
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(), .data_size_in = frame.size(),
                .repeat = static_cast<int>(count));
    if (bpf_prog_test_run_opts(feeder_fd_, &options) != 0)
      return base::fail_errno("BPF_PROG_TEST_RUN", errno);
    verdict = options.retval;
    left -= count;
    sched_yield();
  }
  if (verdict != XDP_TX || feed.made != packets.count) {
    return base::fail("the benchmark's packets were not sent: the program returned " +
                      std::to_string(verdict) + " after " + std::to_string(feed.made) +
                      " packets; please report");
  }
  return {};
}

std::vector<double> XdpPrograms::slices() const {
  const bench_feed& feed = feed_[0];
  const std::size_t stamps =
      std::min<std::size_t>((feed.made + BENCH_SLICE - 1) / BENCH_SLICE, BENCH_STAMPS);
  constexpr double kSlice = BENCH_SLICE;
  std::vector<double> slices;
  for (std::size_t i = 1; i < stamps; i++) {
    if (i % slices_at_once_ == 0) continue;
    slices.push_back(static_cast<double>(feed.stamps[i] - feed.stamps[i - 1]) / kSlice);
  }
  return slices;
}

gw_counters XdpPrograms::counters() const {
  gw_counters sum{};
  for (std::size_t cpu = 0; cpu < counters_.cpus(); cpu++)
    datapath::add(sum, datapath::read_counters(counters_.counters(cpu)));
  return sum;
}

}  // namespace guideway::bench
