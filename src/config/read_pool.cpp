// SPDX-License-Identifier: Apache-2.0
// [[pool]], without its health check.
#include "sections.h"
#include "table_reader.h"

namespace guideway::config {
namespace {

model::Vxlan read_vxlan(const Node& node, const std::string& path, Errors& errors) {
  model::Vxlan vxlan;
  TableReader table(node, path, errors);
  table.read_integer("vni", model::kVniRange, vxlan.vni, Need::kRequired);
  table.read_integer("port", model::kPortRange, vxlan.port);
  table.read_parsed("inner_mac", Mac::parse, vxlan.inner_mac, Need::kRequired);
  table.report_unknown_keys();
  return vxlan;
}

model::Gre read_gre(const Node& node, const std::string& path, Errors& errors) {
  model::Gre gre;
  TableReader table(node, path, errors);
  if (table.find("key") != nullptr) {
    table.read_integer("key", model::kGreKeyRange, gre.key.emplace());
  }
  table.report_unknown_keys();
  return gre;
}

model::Gue read_gue(const Node& node, const std::string& path, Errors& errors) {
  model::Gue gue;
  TableReader table(node, path, errors);
  table.read_integer("port", model::kPortRange, gue.port);
  table.report_unknown_keys();
  return gue;
}

model::Backend read_backend(const Node& node, const std::string& path, Errors& errors) {
  using enum model::AdminState;
  model::Backend backend;
  TableReader table(node, path, errors);
  table.read_string("name", backend.name, Need::kRequired);
  table.read_parsed("address", IpAddress::parse, backend.address, Need::kRequired);
  table.read_integer("port", model::kPortRange, backend.port);
  table.read_integer("weight", model::kWeightRange, backend.weight);
  table.read_choice<model::AdminState>(
      "state", {{"enabled", kEnabled}, {"drain", kDrain}, {"disabled", kDisabled}}, backend.state);
  table.report_unknown_keys();
  return backend;
}

/// Of nat, one address or an array of them; else "auto" or one address.
void read_source(TableReader& table, model::Pool& pool) {
  const Node* node = table.find("source");
  const bool is_array = node != nullptr && node->kind == Node::Kind::kArray;
  if (node == nullptr || (node->kind == Node::Kind::kString && node->text == "auto")) {
    return;
  }
  if (pool.forwarding != model::Forwarding::kNat) {
    if (is_array) {
      table.add_error(
          *node, "source",
          "several addresses are for forwarding \"nat\": write \"auto\" or one address");
      return;
    }
    table.read_text(*node, table.path_of("source"), IpAddress::parse, pool.source);
    return;
  }
  const auto read = [&](const Node& item, const std::string& path) {
    std::optional<IpAddress> address;
    table.read_text(item, path, IpAddress::parse, address);
    if (address) pool.nat_sources.push_back(*address);
  };
  if (is_array) {
    table.read_array("source", read, " of addresses such as [\"198.51.100.9\"]");
  } else {
    read(*node, table.path_of("source"));
  }
}

model::PanicPolicy read_panic(TableReader& table) {
  using enum model::PanicAction;
  model::PanicPolicy panic;
  table.read_integer("panic_threshold", model::kPercentRange, panic.threshold);
  table.read_integer("panic_hysteresis", model::kPercentRange, panic.hysteresis);
  table.read_choice<model::PanicAction>(
      "panic", {{"fail_open", kFailOpen}, {"hold", kHold}, {"fallback", kFallback}}, panic.action);
  table.read_string("fallback_pool", panic.fallback_pool);
  table.read_integer("max_ejected_percent", model::kPercentRange, panic.max_ejected_percent);
  return panic;
}

}  // namespace

model::Pool read_pool(const Node& node, const std::string& path, Errors& errors) {
  using model::Forwarding;
  using model::Scheduler;
  model::Pool pool;
  TableReader table(node, path, errors);
  table.read_string("name", pool.name, Need::kRequired);
  table.read_choice<Forwarding>("forwarding",
                                {{"l2dsr", Forwarding::kL2Dsr},
                                 {"ipip", Forwarding::kIpip},
                                 {"vxlan", Forwarding::kVxlan},
                                 {"gre", Forwarding::kGre},
                                 {"gue", Forwarding::kGue},
                                 {"nat", Forwarding::kNat}},
                                pool.forwarding);
  if (const Node* vxlan = table.find("vxlan")) {
    pool.vxlan = read_vxlan(*vxlan, table.path_of("vxlan"), errors);
  }
  if (const Node* gre = table.find("gre")) {
    pool.gre = read_gre(*gre, table.path_of("gre"), errors);
  }
  if (const Node* gue = table.find("gue")) {
    pool.gue = read_gue(*gue, table.path_of("gue"), errors);
  }
  read_source(table, pool);
  table.read_boolean("snat", pool.snat);
  table.read_boolean("toa", pool.toa);
  table.read_boolean("clamp_mss", pool.clamp_mss);
  table.read_choice<Scheduler>(
      "scheduler",
      {{"maglev", Scheduler::kMaglev},
       {"round_robin", Scheduler::kRoundRobin},
       {"weighted_round_robin", Scheduler::kWeightedRoundRobin},
       {"least_connections", Scheduler::kLeastConnections},
       {"weighted_least_connections", Scheduler::kWeightedLeastConnections}},
      pool.scheduler);
  table.read_integer("table_size", model::kTableSizeRange, pool.table_size);
  table.read_array(
      "backends",
      [&](const Node& item, const std::string& item_path) {
        pool.backends.push_back(read_backend(item, item_path, errors));
      },
      " of tables such as { name = \"b1\", address = \"10.0.0.11\" }");
  if (const Node* check = table.find("health_check")) {
    pool.health_check = read_health_check(*check, table.path_of("health_check"), errors);
  }
  pool.panic = read_panic(table);
  table.report_unknown_keys();
  return pool;
}

}  // namespace guideway::config
