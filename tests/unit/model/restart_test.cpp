// SPDX-License-Identifier: Apache-2.0
#include "guideway/model/restart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace guideway::model {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Model running() {
  Model model;
  model.interfaces.push_back({"wan", "pci:0000:3b:00.0", {}});
  model.pools.push_back({.name = "web"});
  model.services.push_back({.name = "web", .pool = "web"});
  return model;
}

TEST(RestartKeys, ServicesPoolsAndSomeOfTheDirectorsCanBeReloaded) {
  Model next = running();
  next.pools.push_back({.name = "other"});
  next.services.clear();
  next.director.on_stop = OnStop::kDetach;
  next.director.min_rebuild_interval = std::chrono::seconds(1);
  next.director.vip_icmp = VipIcmp::kKernel;
  next.director.unserved_ports = UnservedPorts::kDrop;
  next.director.on_too_big = OnTooBig::kDrop;
  next.director.icmp_rate = 7;
  EXPECT_THAT(restart_keys_changed(running(), next), IsEmpty());
}

TEST(RestartKeys, NamesEachKeyThatNeedsARestart) {
  const struct {
    const char* key;
    std::function<void(Model&)> change;
  } cases[] = {
      {"director.name", [](Model& m) { m.director.name = "x"; }},
      {"director.datapath", [](Model& m) { m.director.datapath = DatapathKind::kDpdk; }},
      {"director.workers", [](Model& m) { m.director.worker_cpus = {1}; }},
      {"director.idle", [](Model& m) { m.director.idle = IdlePolicy::kPoll; }},
      {"director.hash_seed", [](Model& m) { m.director.hash_seed = HashSeed{1}; }},
      {"director.state_dir", [](Model& m) { m.director.state_dir = "/x"; }},
      {"director.pin_dir", [](Model& m) { m.director.pin_dir = "/x"; }},
      {"director.flow_dir", [](Model& m) { m.director.flow_dir = "/x"; }},
      {"director.eal_arguments", [](Model& m) { m.director.eal_arguments = {"-v"}; }},
      {"capacity.services", [](Model& m) { ++m.capacity.services; }},
      {"capacity.pools", [](Model& m) { ++m.capacity.pools; }},
      {"capacity.backends", [](Model& m) { ++m.capacity.backends; }},
      {"capacity.slots", [](Model& m) { ++m.capacity.slots; }},
      {"capacity.flows", [](Model& m) { ++m.capacity.flows; }},
      {"capacity.nat_addresses", [](Model& m) { m.capacity.nat_addresses = 3; }},
      {"admin.socket", [](Model& m) { m.admin.socket = "/x"; }},
      {"admin.status_socket", [](Model& m) { m.admin.status_socket = "/x"; }},
      {"admin.metrics", [](Model& m) { m.admin.metrics = ""; }},
      {"interface[0].name", [](Model& m) { m.interfaces[0].name = "lan"; }},
      {"interface[0].device", [](Model& m) { m.interfaces[0].device = "vdev:net_null0"; }},
      {"interface[0].addresses",
       [](Model& m) { m.interfaces[0].addresses = {*IpPrefix::parse("10.0.0.1/8")}; }},
      {"interface[0].replace_program", [](Model& m) { m.interfaces[0].replace_program = true; }},
      {"interface[0].take_default_route",
       [](Model& m) { m.interfaces[0].take_default_route = true; }},
      {"interface",
       [](Model& m) {
         m.interfaces.push_back({"lan", "vdev:net_null0", {}});
       }},
      {"interface", [](Model& m) { m.interfaces.clear(); }},
  };
  for (const auto& c : cases) {
    Model next = running();
    c.change(next);
    EXPECT_THAT(restart_keys_changed(running(), next), ElementsAre(c.key));
    EXPECT_THAT(restart_keys_changed(next, running()), ElementsAre(c.key));
  }
}

TEST(RestartKeys, NamesAllOfThem) {
  Model next = running();
  next.director.worker_cpus = {2, 3};
  next.capacity.flows = 5;
  EXPECT_THAT(restart_keys_changed(running(), next),
              ElementsAre("director.workers", "capacity.flows"));
}

}  // namespace
}  // namespace guideway::model
