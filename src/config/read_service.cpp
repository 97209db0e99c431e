// SPDX-License-Identifier: Apache-2.0
// [[service]].
#include "guideway/base/text.h"
#include "sections.h"
#include "table_reader.h"

namespace guideway::config {
namespace {

constexpr model::Range kServicePortRange{0, 65535};
constexpr model::Range kForwardWeightRange{1, 1000};

Result<IpAddress> parse_vip(std::string_view text) {
  const auto address = IpAddress::parse(text);
  if (!address && text.find_first_of("/-") != std::string_view::npos) {
    return base::fail(
        base::quoted(text) +
        " is more than one address, and address ranges are not in this version: write "
        "one address, for example \"203.0.113.10\"");
  }
  return address;
}

void read_service_port(TableReader& table, std::uint16_t& port) {
  const Node* node = table.find("port", Need::kRequired);
  if (node == nullptr) {
    return;
  }
  const bool range =
      node->kind == Node::Kind::kArray ||
      (node->kind == Node::Kind::kString && node->text.find_first_of("-:,") != std::string::npos);
  if (range) {
    table.add_error(*node, "port",
                    "port ranges are not in this version: write one port, or 0 for any");
    return;
  }
  if (const auto number =
          table.integer(*node, table.path_of("port"), kServicePortRange, "an integer")) {
    port = static_cast<std::uint16_t>(*number);
  }
}

/// forward = [{ pool = "web", weight = 1 }], of which this version can do one entry.
void read_forward(const Node& forward, TableReader& table, Errors& errors, std::string& pool) {
  if (forward.kind != Node::Kind::kArray || forward.items.empty()) {
    table.add_error(forward, "forward",
                    "must be an array with one entry such as [{ pool = \"web\", weight = 1 }]");
    return;
  }
  if (forward.items.size() > 1) {
    table.add_error(forward, "forward",
                    "several pools are not in this version: write pool = \"…\", or one entry");
    return;
  }
  TableReader entry(forward.items[0], table.path_of("forward[0]"), errors);
  std::uint32_t weight = 1;  // of one, so without effect
  entry.read_string("pool", pool, Need::kRequired);
  entry.read_integer("weight", kForwardWeightRange, weight);
  entry.report_unknown_keys();
}

void read_target(TableReader& table, Errors& errors, std::string& pool) {
  const Node* forward = table.find("forward");
  if (forward == nullptr) {
    table.read_string("pool", pool, Need::kRequired);
    return;
  }
  if (table.find("pool") != nullptr) {
    table.add_error(*forward, "forward", "cannot stand beside pool: write one of them");
    // Else the model's rules would complain of the pool that nobody chose.
    table.read_string("pool", pool);
    return;
  }
  read_forward(*forward, table, errors, pool);
}

}  // namespace

model::Service read_service(const Node& node, const std::string& path, Errors& errors) {
  using enum model::HashKey;
  using model::Protocol;
  using model::VipMode;
  model::Service service;
  TableReader table(node, path, errors);
  table.read_string("name", service.name, Need::kRequired);
  table.read_parsed("address", parse_vip, service.address, Need::kRequired);
  table.read_choice<Protocol>(
      "protocol",
      {{"tcp", Protocol::kTcp}, {"udp", Protocol::kUdp}, {"tcp_udp", Protocol::kTcpUdp}},
      service.protocol);
  read_service_port(table, service.port);
  read_target(table, errors, service.pool);
  table.read_choice<VipMode>("vip", {{"owned", VipMode::kOwned}, {"routed", VipMode::kRouted}},
                             service.vip);
  table.read_choice<model::HashKey>("hash",
                                    {{"five_tuple", kFiveTuple},
                                     {"source", kSource},
                                     {"source_port", kSourcePort},
                                     {"source_destination", kSourceDestination}},
                                    service.hash);
  table.read_seconds("idle_timeout", service.idle_timeout);
  table.report_unknown_keys();
  return service;
}

}  // namespace guideway::config
