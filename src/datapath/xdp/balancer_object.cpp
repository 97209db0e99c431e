// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/xdp/balancer_object.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>

#include "guideway/bpf/kernel.h"
#include "guideway/bpf/libbpf_log.h"
#include "guideway/compile/service_table.h"
#include "guideway/datapath/xdp/cpu_rows.h"

namespace guideway::datapath::xdp {

extern const std::span<const unsigned char> balancer_bytes;

namespace {

constexpr const char* kProgram = "xsk_def_prog";
constexpr const char* kSockets = "xsks_map";

tl::unexpected<Error> load_failed(int error_number, const bpf::LibbpfLog& log) {
  const std::string quoted = log.quote();
  return base::fail(bpf::advice("the XDP program", error_number, bpf::has_type_information()) +
                    (quoted.empty() ? "" : "; the last lines of libbpf and the verifier:\n") +
                    quoted);
}

Result<void> set_limits(bpf_object* object, const gw_limits& limits) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    if (!std::string(bpf_map__name(map)).ends_with(".rodata")) continue;
    std::size_t size = 0;
    const void* initial = bpf_map__initial_value(map, &size);
    if (!initial || size < sizeof limits) break;
    std::string bytes(static_cast<const char*>(initial), size);
    std::memcpy(bytes.data(), &limits, sizeof limits);
    if (bpf_map__set_initial_value(map, bytes.data(), size) != 0) break;
    return {};
  }
  return base::fail("the XDP program has no read-only data to set: this binary is damaged");
}

Result<void> set_entries(bpf_object* object, const std::string& name, std::uint64_t entries) {
  bpf_map* map = bpf_object__find_map_by_name(object, name.c_str());
  if (!map || entries > UINT32_MAX ||
      bpf_map__set_max_entries(map, static_cast<std::uint32_t>(entries)) != 0) {
    return base::fail("the BPF map " + name + " cannot have " + std::to_string(entries) +
                      " entries: lower the [capacity]");
  }
  return {};
}

Result<void> set_sizes(bpf_object* object, const gw_limits& l) {
  const std::uint64_t copies = GW_COPIES;
  const std::pair<const char*, std::uint64_t> sizes[] = {
      {"gw_services", copies * l.services},
      {"gw_pools", copies * l.pools},
      {"gw_slots", copies * l.slot_lines},
      {"gw_backends", copies * l.backends},
      {"gw_buckets", std::uint64_t{l.shards} * l.buckets_per_shard},
      {"gw_nat_addr", std::max<std::uint64_t>(1, copies * l.nat_planes)},
      {"gw_nat_buckets", std::max<std::uint64_t>(1, std::uint64_t{l.nat_planes} * GW_NAT_PLANE)},
      {CpuRows::kMap, l.cpus},
      {"gw_turns", std::uint64_t{l.cpus} * gw_turns_each(l.pools)},
  };
  for (const auto& [name, entries] : sizes)
    if (auto set = set_entries(object, name, entries); !set) return set;
  bpf_map* rows = bpf_object__find_map_by_name(object, CpuRows::kMap);
  const auto row = static_cast<std::uint32_t>(CpuRows::size_for(l.backends, l.service_ids));
  if (int error = bpf_map__set_value_size(rows, row))
    return base::fail_errno("cannot set the size of the program's counters", -error);
  return {};
}

}  // namespace

gw_limits limits_for(const Sizes& sizes) {
  gw_limits limits{};
  limits.services = compile::service_table_size_for(sizes.services, sizes.nat_planes);
  limits.pools = sizes.pools;
  limits.slot_lines = (sizes.slots + GW_SLOTS_PER_LINE - 1) / GW_SLOTS_PER_LINE;
  limits.backends = sizes.backends;
  limits.buckets_per_shard = sizes.shape.buckets_per_shard;
  limits.shards = sizes.shape.shards;
  limits.service_ids = sizes.services;
  limits.nat_planes = sizes.nat_planes;
  limits.cpus = static_cast<std::uint32_t>(libbpf_num_possible_cpus());
  return limits;
}

Result<BalancerObject> BalancerObject::load(const std::string& director, const gw_limits& limits,
                                            const Maps& existing) {
  const bpf::LibbpfLog log;
  LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = director.c_str());
  bpf_object* opened = bpf_object__open_mem(balancer_bytes.data(), balancer_bytes.size(), &options);
  if (!opened) return load_failed(errno, log);
  BalancerObject object(opened);
  auto ready =
      set_limits(opened, limits).and_then([&] { return set_sizes(opened, limits); }).and_then([&] {
        return object.reuse(existing);
      });
  if (!ready) return tl::unexpected(ready.error());
  if (int error = bpf_object__load(opened)) return load_failed(-error, log);
  return object;
}

Result<void> BalancerObject::set_device(std::uint32_t index, std::uint32_t ifindex) {
  if (bpf_map_update_elem(map_fd("gw_devices"), &index, &ifindex, BPF_ANY) != 0)
    return base::fail_errno("cannot name an interface to the XDP program", errno);
  return {};
}

int BalancerObject::test_fd() const {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object_.get()) {
    if (std::string(bpf_map__name(map)).ends_with(".bss")) return bpf_map__fd(map);
  }
  return -1;
}

BalancerObject::BalancerObject(bpf_object* object) : object_(object) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    const std::string name = bpf_map__name(map);
    if (!bpf_map__is_internal(map) || name == GW_CONTROL_SECTION) maps_.emplace(name, map);
  }
}

Result<void> BalancerObject::reuse(const Maps& existing) {
  for (const auto& [name, fd] : existing) {
    const auto map = maps_.find(name);
    if (map == maps_.end()) return base::fail("the XDP program has no map " + name);
    if (int error = bpf_map__reuse_fd(map->second, fd))
      return base::fail_errno("cannot use the existing BPF map " + name, -error);
  }
  return {};
}

void BalancerObject::Close::operator()(bpf_object* object) const { bpf_object__close(object); }

bool BalancerObject::is_sockets_map(int fd) {
  bpf_map_info info{};
  std::uint32_t length = sizeof info;
  return bpf_obj_get_info_by_fd(fd, &info, &length) == 0 && info.type == BPF_MAP_TYPE_XSKMAP &&
         info.key_size == sizeof(std::uint32_t) && info.value_size == sizeof(std::uint32_t) &&
         info.max_entries == GW_MAX_SHARDS && info.map_flags == 0;
}

int BalancerObject::program_fd() const {
  return bpf_program__fd(bpf_object__find_program_by_name(object_.get(), kProgram));
}

int BalancerObject::map_fd(const std::string& name) const { return bpf_map__fd(maps_.at(name)); }

BalancerObject::Maps BalancerObject::shared_maps() const {
  Maps maps;
  for (const auto& [name, map] : maps_)
    if (name != kSockets) maps.emplace(name, bpf_map__fd(map));
  return maps;
}

}  // namespace guideway::datapath::xdp
