// SPDX-License-Identifier: Apache-2.0
#include "tests/support/plain_config.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "tests/support/generations.h"

namespace guideway::test {
namespace {

constexpr const char* kHead = R"(
schema = 1
[director]
datapath = "dpdk"
hash_seed = "00112233445566778899aabbccddeeff"
icmp_rate = 1_000_000
[[interface]]
name = "wan"
device = "vdev:net_null0"
[[interface]]
name = "lan"
device = "vdev:net_null1"
)";

std::string backend_text(const PlainConfig& config, int number) {
  const std::string prefix = config.outer_family == 4 ? "10.0.0." : "fd00::";
  const std::string port = config.forwarding == "nat" ? ", port = 6400" : "";
  return "  { name = \"b" + std::to_string(number) + "\", address = \"" + prefix +
         std::to_string(number) + "\"" + port + " },\n";
}

std::string pool_text(const PlainConfig& config, const std::string& name, int first, int count) {
  std::string text = "[[pool]]\nname = \"" + name + "\"\nforwarding = \"" + config.forwarding +
                     "\"\nscheduler = \"" + config.scheduler + "\"\ntable_size = 1009\n";
  if (config.forwarding == "vxlan") {
    text += "vxlan = { vni = 100, port = 4789, inner_mac = \"02:67:77:00:00:01\" }\n";
  }
  if (config.clamp_mss) text += "clamp_mss = true\n";
  if (config.toa && name == "web") text += "toa = true\n";
  if (config.forwarding == "nat" && !config.snat)
    text += "snat = false\n";
  else if (config.forwarding == "nat")
    text +=
        std::string("source = \"") + (config.outer_family == 4 ? "10.0.0.9" : "fd00::9") + "\"\n";
  text += "backends = [\n";
  for (int i = first; i < first + count; ++i) text += backend_text(config, i);
  return text + "]\n";
}

std::string service_text(const PlainConfig& config, const std::string& protocol, int family,
                         int port, const std::string& pool) {
  const std::string address = family == 4 ? "203.0.113.10" : "2001:db8:203::10";
  const std::string idle = protocol == "tcp" ? "350s" : "30s";
  return "[[service]]\nname = \"" + protocol + std::to_string(family) + "-" + std::to_string(port) +
         "\"\naddress = \"" + address + "\"\nprotocol = \"" + protocol +
         "\"\nport = " + std::to_string(port) + "\npool = \"" + pool + "\"\nhash = \"" +
         config.hash + "\"\nidle_timeout = \"" + idle + "\"\n";
}

}  // namespace

std::string config_text(const PlainConfig& config) {
  std::string text = kHead + pool_text(config, "web", 11, 8) + pool_text(config, "dns", 31, 1);
  for (const int family : {4, 6}) {
    if (config.forwarding == "nat" && family != config.outer_family) continue;
    text += service_text(config, "tcp", family, 80, "web");
    text += service_text(config, "udp", family, 80, "web");
    text += service_text(config, "udp", family, 53, "dns");
  }
  return text;
}

model::Model make_model(const PlainConfig& config) {
  Result<model::Model> model = parse_config(config_text(config));
  if (!model) {
    std::fprintf(stderr, "%s\n", model.error().message.c_str());
    std::abort();
  }
  return std::move(*model);
}

compile::NextHops all_resolved(const model::Model& model, int vlans) {
  compile::NextHops hops;
  for (const model::Pool& pool : model.pools) {
    for (const model::Backend& backend : pool.backends) {
      compile::NextHop& hop = hops[backend.address];
      hop.state = compile::NextHop::State::kResolved;
      hop.destination = Mac{{2, 0, 0, 0, 1, static_cast<std::uint8_t>(hops.size())}};
      hop.source = Mac{{2, 0, 0, 0, 0, 2}};
      hop.interface_index = 1;
      hop.vlans = {compile::VlanTag{200, compile::VlanTag::kService}, compile::VlanTag{300}};
      hop.vlan_count = static_cast<std::uint8_t>(vlans);
      hop.preferred_source =
          backend.address.is_v4()
              ? IpAddress::v4({10, 0, 0, 1})
              : IpAddress::v6({0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
    }
  }
  return hops;
}

}  // namespace guideway::test
