// SPDX-License-Identifier: Apache-2.0
#include "tests/packet/packet_case.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tests/support/generations.h"

namespace guideway::test {
namespace {

using Json = nlohmann::json;

/// Reading stops at the first error, which load_case_file() turns into a Result.
[[noreturn]] void refuse(const std::string& what) { throw std::runtime_error(what); }

template <typename T>
T value_of(Result<T> result) {
  if (!result) refuse(result.error().message);
  return std::move(*result);
}

std::string text_of(const Json& json, const char* key) { return json.at(key).get<std::string>(); }

Bytes bytes_of(const std::string& hex) {
  if (hex.size() % 2 != 0) refuse("an odd number of hex digits: " + hex);
  Bytes bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

gw_verdict verdict_of(const std::string& name) {
  if (name == "forward") return GW_FORWARD;
  if (name == "reply") return GW_REPLY;
  if (name == "kernel") return GW_KERNEL;
  if (name == "drop") return GW_DROP;
  refuse("no verdict is called " + name);
}

gw_reason reason_of(const std::string& name) {
#define GW_REASON_OF(id, verdict, metric, help) \
  if (name == metric) return GW_REASON_##id;
  GW_REASONS(GW_REASON_OF)
#undef GW_REASON_OF
  refuse("no reason is called " + name);
}

gw_event event_of(const std::string& name) {
#define GW_EVENT_OF(id, metric, help) \
  if (name == metric) return GW_EVENT_##id;
  GW_EVENTS(GW_EVENT_OF)
#undef GW_EVENT_OF
  refuse("no event is called " + name);
}

std::uint16_t interface_index(const model::Model& model, const std::string& name) {
  for (std::size_t i = 0; i < model.interfaces.size(); ++i) {
    if (model.interfaces[i].name == name) return static_cast<std::uint16_t>(i);
  }
  refuse("no interface is called " + name);
}

compile::NextHop next_hop_of(const Json& json, const model::Model& model) {
  compile::NextHop hop;
  if (json.contains("state")) {
    if (text_of(json, "state") != "failed") refuse("a next hop is resolved or \"failed\"");
    hop.state = compile::NextHop::State::kFailed;
    return hop;
  }
  hop.state = compile::NextHop::State::kResolved;
  hop.destination = value_of(Mac::parse(text_of(json, "mac")));
  hop.source = value_of(Mac::parse(text_of(json, "source_mac")));
  hop.interface_index = interface_index(model, text_of(json, "interface"));
  hop.mtu = json.at("mtu").get<std::uint16_t>();
  hop.preferred_source = value_of(IpAddress::parse(text_of(json, "preferred_source")));
  for (const Json& vlan : json.at("vlans")) {
    const auto protocol = std::stoul(text_of(vlan, "protocol"), nullptr, 16);
    hop.vlans.at(hop.vlan_count++) = {vlan.at("id").get<std::uint16_t>(),
                                      static_cast<std::uint16_t>(protocol)};
  }
  return hop;
}

World world_of(const Json& json) {
  std::string config;
  for (const Json& line : json.at("config")) config += line.get<std::string>() + "\n";
  World world{value_of(parse_config(config)), {}};
  for (const auto& [address, hop] : json.at("next_hops").items()) {
    world.next_hops[value_of(IpAddress::parse(address))] = next_hop_of(hop, world.model);
  }
  return world;
}

Step step_of(const Json& json) {
  if (json.contains("packet")) return SendStep{bytes_of(text_of(json, "packet"))};
  if (json.contains("world")) return PublishStep{text_of(json, "world")};
  if (json.contains("age_s")) return AgeStep{json.at("age_s").get<std::uint32_t>()};
  return MarkStep{text_of(json, "mark")};
}

Expectation expectation_of(const Json& json, const Bytes& packet) {
  Expectation expect;
  expect.verdict = verdict_of(text_of(json, "verdict"));
  expect.reason = reason_of(text_of(json, "reason"));
  expect.interface = json.value("interface", "");
  expect.service = json.value("service", "");
  expect.backend = json.value("backend", "");
  for (const auto& [name, count] : json.at("events").items()) {
    expect.events[event_of(name)] = count.get<std::uint64_t>();
  }
  if (expect.verdict == GW_KERNEL) expect.bytes = packet;
  if (json.contains("bytes")) expect.bytes = bytes_of(text_of(json, "bytes"));
  for (const Json& each : json.value("fragments", Json::array()))
    expect.fragments.push_back(bytes_of(each.get<std::string>()));
  expect.is_identified = json.value("identification", "") == "own";
  return expect;
}

PacketCase case_of(const Json& json, const std::string& topic) {
  PacketCase result;
  result.topic = topic;
  result.name = text_of(json, "name");
  result.world = text_of(json, "world");
  result.packet = bytes_of(text_of(json, "packet"));
  for (const Json& step : json.at("before")) result.before.push_back(step_of(step));
  const Json& expect = json.at("expect");
  result.expect = expectation_of(expect, result.packet);
  if (expect.contains("workers"))
    result.expect_of_workers = expectation_of(expect.at("workers"), result.packet);
  return result;
}

}  // namespace

std::string hex_of(const Bytes& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const std::uint8_t byte : bytes) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

Result<CaseFile> load_case_file(const std::string& path) {
  try {
    std::ifstream stream(path);
    if (!stream) return base::fail(path + ": cannot be read: run tests/packet/oracle.py");
    const Json json = Json::parse(stream);
    CaseFile file;
    for (const auto& [name, world] : json.at("worlds").items()) file.worlds[name] = world_of(world);
    const std::string topic = std::filesystem::path(path).stem();
    for (const Json& each : json.at("cases")) file.cases.push_back(case_of(each, topic));
    return file;
  } catch (const std::exception& error) {
    return base::fail(path + ": " + error.what());
  }
}

}  // namespace guideway::test
