// SPDX-License-Identifier: Apache-2.0
// [pool.health_check].
#include "sections.h"
#include "table_reader.h"

namespace guideway::config {
namespace {

void read_probe_port(TableReader& table, std::uint16_t& port) {
  const Node* node = table.find("port");
  if (node == nullptr || (node->kind == Node::Kind::kString && node->text == "traffic")) {
    return;
  }
  const auto number =
      table.integer(*node, table.path_of("port"), model::kPortRange, "\"traffic\" or a port");
  port = static_cast<std::uint16_t>(number.value_or(0));
}

}  // namespace

model::HealthCheck read_health_check(const Node& node, const std::string& path, Errors& errors) {
  using model::CheckProtocol;
  model::HealthCheck check;
  TableReader table(node, path, errors);
  table.read_choice<CheckProtocol>("protocol",
                                   {{"tcp", CheckProtocol::kTcp},
                                    {"http", CheckProtocol::kHttp},
                                    {"https", std::nullopt},
                                    {"udp", std::nullopt},
                                    {"ping", std::nullopt},
                                    {"exec", std::nullopt}},
                                   check.protocol);
  read_probe_port(table, check.port);
  table.read_string("path", check.path);
  table.read_duration("interval", check.interval);
  table.read_duration("timeout", check.timeout);
  table.read_integer("healthy_threshold", model::kThresholdRange, check.healthy_threshold);
  table.read_integer("unhealthy_threshold", model::kThresholdRange, check.unhealthy_threshold);
  table.report_unknown_keys();
  return check;
}

}  // namespace guideway::config
