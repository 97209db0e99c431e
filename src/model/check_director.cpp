// SPDX-License-Identifier: Apache-2.0
// The rules of [director], [capacity] and [admin].
#include <set>

#include "checks.h"
#include "guideway/base/text.h"

namespace guideway::model {
namespace {

void check_path(Problems& problems, const std::string& key, const std::string& path) {
  if (path.empty() || path[0] != '/' || has_control_characters(path)) {
    problems.add(key, base::quoted(path) + " is not an absolute path: it must start with \"/\"");
  }
}

void check_socket_path(Problems& problems, const std::string& key, const std::string& path) {
  check_path(problems, key, path);
  if (path.size() > kMaxSocketPathSize) {
    problems.add(key, "the path has " + std::to_string(path.size()) + " bytes: the kernel allows " +
                          std::to_string(kMaxSocketPathSize) + " for a socket");
  }
}

bool is_listen_address(std::string_view text) {
  const auto endpoint = Endpoint::parse(text);
  return endpoint && endpoint->port != 0;
}

void check_workers(Problems& problems, const std::vector<unsigned>& cpus) {
  if (cpus.size() > kMaxWorkers) {
    problems.add("director.workers", std::to_string(cpus.size()) +
                                         " workers are too many: allowed "
                                         "are " +
                                         std::to_string(kMaxWorkers));
  }
  std::set<unsigned> seen;
  for (std::size_t i = 0; i < cpus.size(); ++i) {
    const std::string path = element("director.workers", i);
    problems.check_range(path, cpus[i], kCpuRange);
    if (!seen.insert(cpus[i]).second) {
      problems.add(path, "CPU " + std::to_string(cpus[i]) +
                             " is named twice: each worker needs a CPU of its own");
    }
  }
}

}  // namespace

void check_director(Problems& problems, const Director& director) {
  problems.check_name("director.name", director.name);
  check_workers(problems, director.worker_cpus);
  problems.check_range("director.icmp_rate", director.icmp_rate, kIcmpRateRange);
  check_path(problems, "director.state_dir", director.state_dir);
  check_path(problems, "director.pin_dir", director.pin_dir);
  check_path(problems, "director.flow_dir", director.flow_dir);
  if (director.min_rebuild_interval > kMaxRebuildInterval) {
    problems.add("director.min_rebuild_interval", "is too long: allowed are at most 60s");
  }
  for (std::size_t i = 0; i < director.eal_arguments.size(); ++i) {
    const std::string& argument = director.eal_arguments[i];
    if (argument.empty() || has_control_characters(argument)) {
      problems.add(element("director.eal_arguments", i),
                   base::quoted(argument) +
                       " is not an EAL argument: it must have at least one "
                       "character, and no control characters");
    }
  }
}

namespace {

void check_sum(Problems& problems, const char* key, std::uint64_t used, std::uint32_t room,
               const char* what) {
  if (used > room) {
    problems.add(key, std::to_string(room) + " is too few: this configuration has " +
                          std::to_string(used) + " " + what);
  }
}

void check_sizes(Problems& problems, const Sizes& sizes, const Capacity& capacity) {
  check_sum(problems, "capacity.services", sizes.services, capacity.services,
            "services (a tcp_udp service counts twice)");
  check_sum(problems, "capacity.pools", sizes.pools, capacity.pools, "pools");
  check_sum(problems, "capacity.backends", sizes.backends, capacity.backends, "backends");
}

}  // namespace

std::vector<Problem> too_many(const Sizes& sizes, const Capacity& capacity) {
  Problems problems;
  check_sizes(problems, sizes, capacity);
  return problems.take();
}

void check_capacity(Problems& problems, const Model& model) {
  const Capacity& capacity = model.capacity;
  problems.check_range("capacity.services", capacity.services, kServiceCapacityRange);
  problems.check_range("capacity.pools", capacity.pools, kPoolCapacityRange);
  problems.check_range("capacity.backends", capacity.backends, kBackendCapacityRange);
  problems.check_range("capacity.slots", capacity.slots, kSlotCapacityRange);
  problems.check_range("capacity.flows", capacity.flows, kFlowCapacityRange);

  Sizes sizes{0, model.pools.size(), 0};
  for (const Service& service : model.services) {
    sizes.services += service.protocol == Protocol::kTcpUdp ? 2 : 1;
  }
  std::uint64_t slots = 0;
  for (const Pool& pool : model.pools) {
    sizes.backends += pool.backends.size();
    slots += slots_of(pool);
  }
  check_sizes(problems, sizes, capacity);
  check_sum(problems, "capacity.slots", slots, capacity.slots,
            "slots (the pools' table_size in sum; twice where scheduler is not \"maglev\")");
  if (capacity.nat_addresses) {
    problems.check_range("capacity.nat_addresses", *capacity.nat_addresses, kNatCapacityRange);
    check_sum(problems, "capacity.nat_addresses", nat_planes_of(model).size(),
              *capacity.nat_addresses,
              "addresses as source of pools with forwarding \"nat\" (snat = false counts as one of "
              "each family)");
  }
}

void check_admin(Problems& problems, const Admin& admin) {
  check_socket_path(problems, "admin.socket", admin.socket);
  check_socket_path(problems, "admin.status_socket", admin.status_socket);
  if (admin.socket == admin.status_socket && !admin.socket.empty()) {
    problems.add("admin.status_socket",
                 "is the same as socket: the read-only socket needs a path of its own",
                 "admin.socket");
  }
  if (!admin.metrics.empty() && !is_listen_address(admin.metrics)) {
    problems.add("admin.metrics", base::quoted(admin.metrics) +
                                      " is not an address and port: write for example "
                                      "\"127.0.0.1:9641\", \"[::1]:9641\", or \"\" for off");
  }
}

}  // namespace guideway::model
