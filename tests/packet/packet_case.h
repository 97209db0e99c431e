// SPDX-License-Identifier: Apache-2.0
// Packet cases: one packet with everything that must be so before and after it, as cases/*.json has
// it. docs/packet-cases.md describes the format. Threading: values.
#ifndef GUIDEWAY_TESTS_PACKET_PACKET_CASE_H_
#define GUIDEWAY_TESTS_PACKET_PACKET_CASE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "guideway/base/result.h"
#include "guideway/compile/next_hop.h"
#include "guideway/model/model.h"
#include "tests/support/frame.h"

namespace guideway::test {

/// What the operator asked for and what the kernel says.
struct World {
  model::Model model;
  compile::NextHops next_hops;
};

/// What happens before the packet of the case.
struct SendStep {
  Bytes packet;
};
struct PublishStep {
  std::string world;
};
struct AgeStep {
  std::uint32_t seconds;
};
struct MarkStep {
  std::string backend;
};
using Step = std::variant<SendStep, PublishStep, AgeStep, MarkStep>;

struct Expectation {
  gw_verdict verdict = GW_DROP;
  gw_reason reason = GW_REASON_COUNT;
  /// Of GW_FORWARD and GW_REPLY.
  std::string interface;
  /// Of GW_FORWARD: "web/tcp" and "b1".
  std::string service;
  std::string backend;
  /// By enum gw_event; what is not named stays as it was.
  std::map<gw_event, std::uint64_t> events;
  /// What leaves; none when the packet is dropped.
  std::optional<Bytes> bytes;
  /// In place of bytes, in this order.
  std::vector<Bytes> fragments;
  /// The fragments have an identification of the datapath's own, and all the same.
  bool is_identified = false;
};

struct PacketCase {
  std::string topic;
  std::string name;
  std::string world;
  std::vector<Step> before;
  Bytes packet;
  Expectation expect;
  /// Of a datapath that can fragment, where that makes a difference.
  std::optional<Expectation> expect_of_workers;
};

struct CaseFile {
  std::map<std::string, World> worlds;
  std::vector<PacketCase> cases;
};

/// As case files have bytes.
std::string hex_of(const Bytes& bytes);

/// Errors: not readable, not JSON, an unknown word, a configuration with errors.
Result<CaseFile> load_case_file(const std::string& path);

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_PACKET_PACKET_CASE_H_
