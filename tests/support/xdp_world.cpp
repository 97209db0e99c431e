// SPDX-License-Identifier: Apache-2.0
#include "tests/support/xdp_world.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "tests/support/replies.h"

namespace guideway::test {
namespace {

using datapath::xdp::BalancerObject;
using datapath::xdp::CopyMaps;
using datapath::xdp::MappedMap;
using datapath::xdp::ProgramCounters;

constexpr std::uint32_t kLoopback = 1;
constexpr std::uint32_t kStart_s = 1000;

/// GW_REPLY looks like GW_FORWARD from outside: both leave.
Result<gw_verdict> verdict_of(std::uint32_t action, bool is_reply) {
  switch (action) {
    case XDP_PASS:
      return GW_KERNEL;
    case XDP_DROP:
      return GW_DROP;
    case XDP_TX:
      return is_reply ? GW_REPLY : GW_FORWARD;
    case XDP_REDIRECT:
      return GW_FORWARD;
    default:
      return base::fail("the program returned " + std::to_string(action));
  }
}

}  // namespace

Result<std::unique_ptr<XdpWorld>> XdpWorld::load(const Size& size) {
  gw_limits limits = datapath::xdp::limits_for({.services = size.services,
                                                .pools = 64,
                                                .slots = size.slots,
                                                .backends = size.backends,
                                                .shape = {size.shards, size.buckets_per_shard},
                                                .nat_planes = size.nat_planes});
  limits.test = 1;
  auto object = BalancerObject::load("test", limits, {});
  if (!object) return tl::unexpected(object.error());
  for (std::uint32_t i = 0; i < GW_MAX_INTERFACES; i++)
    if (auto set = object->set_device(i, kLoopback); !set) return tl::unexpected(set.error());
  std::unique_ptr<XdpWorld> world(new XdpWorld(std::move(*object)));
  if (auto mapped = world->map(limits); !mapped) return tl::unexpected(mapped.error());
  world->set_now_s(kStart_s);
  return world;
}

Result<void> XdpWorld::map(const gw_limits& l) {
  auto copies = CopyMaps::of(object_, l);
  if (!copies) return tl::unexpected(copies.error());
  auto counters = ProgramCounters::rows_of(object_, l);
  if (!counters) return tl::unexpected(counters.error());
  auto test = MappedMap<gw_test>::make(object_.test_fd(), 1, ".bss");
  if (!test) return tl::unexpected(test.error());
  test_ = std::move(*test);
  tables_ = std::make_unique<datapath::xdp::TableCopies>(std::move(*copies));
  counters_ = std::make_unique<ProgramCounters>(std::move(*counters));
  return object_.map_into(buckets_, "gw_buckets", std::size_t{l.shards} * l.buckets_per_shard)
      .and_then([&] {
        const std::size_t turns = std::size_t{l.cpus} * gw_turns_each(l.pools);
        return object_.map_into(turns_, "gw_turns", turns);
      })
      .and_then([&] {
        const std::size_t buckets = std::size_t{l.nat_planes} * GW_NAT_PLANE;
        if (buckets == 0) return Result<void>();
        return object_.map_into(nat_buckets_, "gw_nat_buckets", buckets);
      });
}

Result<void> XdpWorld::publish(const compile::ForwardingStatePtr& state) {
  if (auto prepared = tables_->prepare(state); !prepared) return prepared;
  tables_->publish(state);
  tables_->reclaim();
  return {};
}

void XdpWorld::forget_turns() {
  std::ranges::fill(turns_.values(), gw_turn{});
  for (const auto row : backend_rows())
    for (gw_traffic& traffic : row) traffic.load_offset = 0 - traffic.flows;
}

Result<XdpWorld::Ran> XdpWorld::run(const Bytes& frame, std::uint32_t queue) {
  std::array<std::uint8_t, 4096> out{};
  LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(), .data_out = out.data(),
              .data_size_in = static_cast<std::uint32_t>(frame.size()),
              .data_size_out = static_cast<std::uint32_t>(out.size()), .repeat = 1);
  xdp_md context{};
  context.data_end = options.data_size_in;
  context.ingress_ifindex = ifindex_;
  context.rx_queue_index = queue;
  if (ifindex_ != 0) {
    options.ctx_in = &context;
    options.ctx_size_in = sizeof context;
  }
  const std::uint64_t replies = replies_in(counters());
  if (bpf_prog_test_run_opts(object_.program_fd(), &options) != 0)
    return base::fail_errno("BPF_PROG_TEST_RUN", errno);
  auto verdict = verdict_of(options.retval, replies_in(counters()) != replies);
  if (!verdict) return tl::unexpected(verdict.error());
  Ran ran{*verdict, 0, Bytes(out.begin(), out.begin() + options.data_size_out)};
  if (*verdict == GW_FORWARD)
    ran.interface_index = static_cast<std::uint16_t>(test_[0].interface_index);
  return ran;
}

gw_counters XdpWorld::counters() const {
  gw_counters sum{};
  for (const datapath::WorkerStatus& row : counters_->rows()) {
    sum.packets_in += row.counters.packets_in;
    sum.bytes_in += row.counters.bytes_in;
    for (int i = 0; i < GW_REASON_COUNT; i++) sum.reasons[i] += row.counters.reasons[i];
    for (int i = 0; i < GW_EVENT_COUNT; i++) sum.events[i] += row.counters.events[i];
  }
  return sum;
}

std::vector<gw_traffic> XdpWorld::backend_traffic() const {
  std::vector<gw_traffic> sums;
  counters_->add_backends_to(sums);
  return sums;
}

std::vector<gw_traffic> XdpWorld::service_traffic() const {
  std::vector<gw_traffic> sums;
  counters_->add_services_to(sums);
  return sums;
}

}  // namespace guideway::test
