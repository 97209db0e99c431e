// SPDX-License-Identifier: Apache-2.0
// [pool.health_check].
#include <string_view>
#include <vector>

#include "sections.h"
#include "table_reader.h"
#include "values.h"

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

/// "200", or "200-399".
void read_one_status(TableReader& table, const Node& node, std::string_view text,
                     std::vector<model::StatusRange>& out) {
  const auto range = parse_status_range(text);
  if (range) {
    out.push_back(*range);
  } else {
    table.add_error(node, "expected_status", range.error().message);
  }
}

/// One text with commas, as in "200,301-302".
void read_expected_status(TableReader& table, std::vector<model::StatusRange>& out) {
  const Node* node = table.find("expected_status");
  if (node == nullptr) {
    return;
  }
  out.clear();
  if (node->kind != Node::Kind::kString) {
    table.add_type_error(*node, "expected_status", "a string such as \"200-399\"");
    return;
  }
  std::string_view rest = node->text;
  while (true) {
    const std::size_t comma = rest.find(',');
    read_one_status(table, *node, rest.substr(0, comma), out);
    if (comma == std::string_view::npos) {
      return;
    }
    rest.remove_prefix(comma + 1);
  }
}

void read_where(TableReader& table, model::HealthCheck& check) {
  read_probe_port(table, check.port);
  table.read_parsed("address", IpAddress::parse, check.address);
  table.read_parsed("source", IpAddress::parse, check.source);
}

void read_request(TableReader& table, model::HealthCheck& check) {
  table.read_string("host", check.host);
  table.read_string("path", check.path);
  read_expected_status(table, check.expected_status);
  table.read_string("expected_text", check.expected_text);
  table.read_parsed("send", parse_payload, check.send);
  table.read_parsed("expect", parse_payload, check.expect);
}

void read_rhythm(TableReader& table, model::HealthCheck& check) {
  table.read_duration("interval", check.interval);
  table.read_duration("fast_interval", check.fast_interval);
  table.read_integer("jitter", model::kJitterRange, check.jitter_percent);
  table.read_duration("timeout", check.timeout);
  table.read_integer("healthy_threshold", model::kThresholdRange, check.healthy_threshold);
  table.read_integer("unhealthy_threshold", model::kThresholdRange, check.unhealthy_threshold);
  table.read_duration("flap_hold", check.flap_hold);
  table.read_duration("longest_flap_hold", check.longest_flap_hold);
}

}  // namespace

model::HealthCheck read_health_check(const Node& node, const std::string& path, Errors& errors) {
  using model::CheckProtocol;
  model::HealthCheck check;
  TableReader table(node, path, errors);
  table.read_choice<CheckProtocol>("protocol",
                                   {{"tcp", CheckProtocol::kTcp},
                                    {"http", CheckProtocol::kHttp},
                                    {"https", CheckProtocol::kHttps},
                                    {"udp", CheckProtocol::kUdp},
                                    {"ping", CheckProtocol::kPing},
                                    {"exec", std::nullopt}},
                                   check.protocol);
  read_where(table, check);
  read_request(table, check);
  read_rhythm(table, check);
  table.report_unknown_keys();
  return check;
}

}  // namespace guideway::config
