// SPDX-License-Identifier: Apache-2.0
// [director], [capacity], [admin] and [[interface]].
#include "sections.h"
#include "table_reader.h"

namespace guideway::config {
namespace {

void read_workers(TableReader& table, std::vector<unsigned>& cpus) {
  constexpr const char* kWanted = "\"auto\" or an array of CPU numbers such as [2, 3]";
  const Node* node = table.find("workers");
  if (node == nullptr || (node->kind == Node::Kind::kString && node->text == "auto")) {
    return;
  }
  if (node->kind != Node::Kind::kArray || node->items.empty()) {
    table.add_error(*node, "workers", std::string("must be ") + kWanted);
    return;
  }
  table.read_array("workers", [&](const Node& item, const std::string& path) {
    // One element for each item, right or wrong, so that indices stay the file's.
    const auto cpu = table.integer(item, path, model::kCpuRange, "a CPU number");
    cpus.push_back(static_cast<unsigned>(cpu.value_or(0)));
  });
}

void read_hash_seed(TableReader& table, std::optional<model::HashSeed>& seed) {
  table.read_parsed("hash_seed", parse_hash_seed, seed);
}

}  // namespace

model::Director read_director(const Node& node, const std::string& path, Errors& errors) {
  using enum model::DatapathKind;
  model::Director director;
  TableReader table(node, path, errors);
  table.read_string("name", director.name);
  table.read_choice<model::DatapathKind>(
      "datapath", {{"auto", kAuto}, {"dpdk", kDpdk}, {"afxdp", kAfxdp}, {"xdp", kXdp}},
      director.datapath);
  read_workers(table, director.worker_cpus);
  table.read_choice<model::IdlePolicy>(
      "idle", {{"poll", model::IdlePolicy::kPoll}, {"adaptive", model::IdlePolicy::kAdaptive}},
      director.idle);
  read_hash_seed(table, director.hash_seed);
  table.read_string("state_dir", director.state_dir);
  table.read_string("pin_dir", director.pin_dir);
  table.read_string("flow_dir", director.flow_dir);
  table.read_choice<model::OnStop>(
      "on_stop", {{"keep", model::OnStop::kKeep}, {"detach", model::OnStop::kDetach}},
      director.on_stop);
  table.read_duration("min_rebuild_interval", director.min_rebuild_interval);
  table.read_choice<model::VipIcmp>(
      "vip_icmp", {{"answer", model::VipIcmp::kAnswer}, {"kernel", model::VipIcmp::kKernel}},
      director.vip_icmp);
  table.read_choice<model::UnservedPorts>(
      "unserved_ports",
      {{"kernel", model::UnservedPorts::kKernel}, {"drop", model::UnservedPorts::kDrop}},
      director.unserved_ports);
  table.read_integer("icmp_rate", model::kIcmpRateRange, director.icmp_rate);
  table.read_choice<model::OnTooBig>(
      "on_too_big", {{"fragment", model::OnTooBig::kFragment}, {"drop", model::OnTooBig::kDrop}},
      director.on_too_big);
  table.read_array(
      "eal_arguments",
      [&](const Node& item, const std::string& item_path) {
        std::string& argument = director.eal_arguments.emplace_back();
        const auto as_it_is = [](std::string_view text) { return Result<std::string>(text); };
        table.read_text(item, item_path, as_it_is, argument);
      },
      " of strings");
  table.report_unknown_keys();
  return director;
}

model::Capacity read_capacity(const Node& node, const std::string& path, Errors& errors) {
  model::Capacity capacity;
  TableReader table(node, path, errors);
  table.read_integer("services", model::kServiceCapacityRange, capacity.services);
  table.read_integer("pools", model::kPoolCapacityRange, capacity.pools);
  table.read_integer("backends", model::kBackendCapacityRange, capacity.backends);
  table.read_integer("slots", model::kSlotCapacityRange, capacity.slots);
  table.read_integer("flows", model::kFlowCapacityRange, capacity.flows);
  table.read_integer("nat_addresses", model::kNatCapacityRange, capacity.nat_addresses);
  table.report_unknown_keys();
  return capacity;
}

model::Admin read_admin(const Node& node, const std::string& path, Errors& errors) {
  model::Admin admin;
  TableReader table(node, path, errors);
  table.read_string("socket", admin.socket);
  table.read_string("status_socket", admin.status_socket);
  table.read_string("metrics", admin.metrics);
  table.report_unknown_keys();
  return admin;
}

model::Interface read_interface(const Node& node, const std::string& path, Errors& errors) {
  model::Interface interface;
  TableReader table(node, path, errors);
  table.read_string("name", interface.name, Need::kRequired);
  table.read_string("device", interface.device, Need::kRequired);
  table.read_array(
      "addresses",
      [&](const Node& item, const std::string& item_path) {
        table.read_text(item, item_path, IpPrefix::parse, interface.addresses.emplace_back());
      },
      " of strings such as \"198.51.100.2/24\"");
  table.read_boolean("replace_program", interface.replace_program);
  table.read_boolean("take_default_route", interface.take_default_route);
  table.report_unknown_keys();
  return interface;
}

}  // namespace guideway::config
