// SPDX-License-Identifier: Apache-2.0
#include "guideway/model/restart.h"

namespace guideway::model {
namespace {

class Changes {
 public:
  explicit Changes(std::string section) : section_(std::move(section)) {}

  template <typename T>
  void compare(const char* key, const T& running, const T& next) {
    if (running != next) {
      keys_.push_back(section_ + "." + key);
    }
  }
  void append_to(std::vector<std::string>& all) const {
    all.insert(all.end(), keys_.begin(), keys_.end());
  }

 private:
  std::string section_;
  std::vector<std::string> keys_;
};

// on_stop and min_rebuild_interval are not here: they are read when they matter; nor are the keys
// about ICMP and ports, which every generation has.
void compare_director(std::vector<std::string>& keys, const Director& running,
                      const Director& next) {
  Changes changes("director");
  changes.compare("name", running.name, next.name);
  changes.compare("datapath", running.datapath, next.datapath);
  changes.compare("workers", running.worker_cpus, next.worker_cpus);
  changes.compare("idle", running.idle, next.idle);
  changes.compare("hash_seed", running.hash_seed, next.hash_seed);
  changes.compare("state_dir", running.state_dir, next.state_dir);
  changes.compare("pin_dir", running.pin_dir, next.pin_dir);
  changes.compare("flow_dir", running.flow_dir, next.flow_dir);
  changes.compare("eal_arguments", running.eal_arguments, next.eal_arguments);
  changes.append_to(keys);
}

void compare_capacity(std::vector<std::string>& keys, const Capacity& running,
                      const Capacity& next) {
  Changes changes("capacity");
  changes.compare("services", running.services, next.services);
  changes.compare("pools", running.pools, next.pools);
  changes.compare("backends", running.backends, next.backends);
  changes.compare("slots", running.slots, next.slots);
  changes.compare("flows", running.flows, next.flows);
  changes.compare("nat_addresses", running.nat_addresses, next.nat_addresses);
  changes.append_to(keys);
}

void compare_admin(std::vector<std::string>& keys, const Admin& running, const Admin& next) {
  Changes changes("admin");
  changes.compare("socket", running.socket, next.socket);
  changes.compare("status_socket", running.status_socket, next.status_socket);
  changes.compare("metrics", running.metrics, next.metrics);
  changes.append_to(keys);
}

void compare_interfaces(std::vector<std::string>& keys, const std::vector<Interface>& running,
                        const std::vector<Interface>& next) {
  if (running.size() != next.size()) {
    keys.emplace_back("interface");
    return;
  }
  for (std::size_t i = 0; i < running.size(); ++i) {
    Changes changes("interface[" + std::to_string(i) + "]");
    changes.compare("name", running[i].name, next[i].name);
    changes.compare("device", running[i].device, next[i].device);
    changes.compare("addresses", running[i].addresses, next[i].addresses);
    changes.compare("replace_program", running[i].replace_program, next[i].replace_program);
    changes.compare("take_default_route", running[i].take_default_route,
                    next[i].take_default_route);
    changes.append_to(keys);
  }
}

}  // namespace

std::vector<std::string> restart_keys_changed(const Model& running, const Model& next) {
  std::vector<std::string> keys;
  compare_director(keys, running.director, next.director);
  compare_capacity(keys, running.capacity, next.capacity);
  compare_admin(keys, running.admin, next.admin);
  compare_interfaces(keys, running.interfaces, next.interfaces);
  return keys;
}

}  // namespace guideway::model
