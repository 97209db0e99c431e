// SPDX-License-Identifier: Apache-2.0
#include "tests/packet/run_case.h"

#include <algorithm>
#include <utility>

// Before the core's other headers.
#include "guideway/core/nat_table.h"
#include "guideway/core/port_native.h"

namespace guideway::test {
namespace {

constexpr const char* kReasonNames[] = {
#define GW_REASON_NAME(id, verdict, name, help) name,
    GW_REASONS(GW_REASON_NAME)
#undef GW_REASON_NAME
};
constexpr const char* kEventNames[] = {
#define GW_EVENT_NAME(id, name, help) name,
    GW_EVENTS(GW_EVENT_NAME)
#undef GW_EVENT_NAME
};
constexpr const char* kVerdictNames[] = {"forward", "reply", "kernel", "drop"};

/// Collects what is not as expected.
class Comparison {
 public:
  void text(const std::string& what, const std::string& expected, const std::string& got) {
    if (expected != got) lines_.push_back(what + ": expected " + expected + ", got " + got);
  }
  void number(const std::string& what, std::uint64_t expected, std::uint64_t got) {
    text(what, std::to_string(expected), std::to_string(got));
  }
  std::vector<std::string> take() { return std::move(lines_); }

 private:
  std::vector<std::string> lines_;
};

/// `act(word, entry)` for each that is valid.
template <typename Act>
void for_each_nat_flow(Driver& driver, Act act) {
  for (gw_nat_bucket& bucket : driver.nat_table())
    for (std::size_t way = 0; way < GW_NAT_WAYS; ++way)
      if (gw_nat_state(bucket.ways.words[way]) == GW_NAT_VALID)
        act(bucket.ways.words[way], bucket.entries[way]);
}

/// Time passes: all entries get older. A driver's clock may be the machine's, so the table moves.
void age(Driver& driver, std::uint32_t seconds) {
  for (gw_flow_bucket& bucket : driver.flow_table()) {
    for (std::uint64_t& word : bucket.words) {
      if (word == 0) continue;
      const std::uint64_t time = (word - seconds) & GW_FLOW_TIME_MASK;
      gw_flow_store(&word, (word & ~std::uint64_t{GW_FLOW_TIME_MASK}) | time);
    }
  }
  for_each_nat_flow(driver, [&](std::uint64_t&, gw_nat_entry& entry) {
    const auto older = [&](std::uint64_t word) {
      return (word & ~std::uint64_t{0xffffffff}) | static_cast<std::uint32_t>(word - seconds);
    };
    gw_flow_store(&entry.client_word, older(entry.client_word));
    gw_flow_store(&entry.backend_word, older(entry.backend_word));
  });
}

/// What the sweep does to the flows of a backend that are to be reset.
Result<void> mark(Driver& driver, const std::string& backend) {
  const compile::ForwardingState& state = driver.state();
  std::size_t marked = 0;
  for (gw_flow_bucket& bucket : driver.flow_table()) {
    for (std::uint64_t& word : bucket.words) {
      const std::uint32_t id = gw_flow_backend(word);
      if (word == 0 || state.backend_info.at(id).name != backend) continue;
      const std::uint32_t timeout_s = state.backends.at(id).sweep_timeout_s;
      gw_flow_store(&word, gw_flow_swept(word, driver.now_s(), timeout_s, 1));
      marked += gw_flow_marked(word) ? 1 : 0;
    }
  }
  for_each_nat_flow(driver, [&](std::uint64_t& word, gw_nat_entry& entry) {
    if (state.backend_info.at(gw_nat_backend(word)).name != backend) return;
    word = gw_nat_swept(word, &entry, driver.now_s(), 1, 1);
    marked += gw_nat_marked(word) ? 1 : 0;
  });
  if (marked == 0) return base::fail("no flow of " + backend + " could be marked");
  return {};
}

Result<void> run_step(Driver& driver, const CaseFile& file, const Step& step) {
  if (const auto* send = std::get_if<SendStep>(&step)) {
    const Result<Sent> sent = driver.send(send->packet);
    if (!sent) return tl::unexpected(sent.error());
    if (sent->verdict == GW_FORWARD || sent->verdict == GW_REPLY) return {};
    return base::fail("a packet before the packet of the case was not forwarded");
  }
  if (const auto* publish = std::get_if<PublishStep>(&step)) {
    return driver.publish(file.worlds.at(publish->world));
  }
  if (const auto* older = std::get_if<AgeStep>(&step)) {
    age(driver, older->seconds);
    return {};
  }
  return mark(driver, std::get<MarkStep>(step).backend);
}

void compare_counters(Comparison& comparison, const PacketCase& each, const gw_counters& before,
                      const gw_counters& after) {
  comparison.number("packets_in", 1, after.packets_in - before.packets_in);
  comparison.number("bytes_in", each.packet.size(), after.bytes_in - before.bytes_in);
  for (unsigned i = 0; i < GW_REASON_COUNT; ++i) {
    comparison.number(std::string("reason ") + kReasonNames[i], i == each.expect.reason ? 1 : 0,
                      after.reasons[i] - before.reasons[i]);
  }
  for (unsigned i = 0; i < GW_EVENT_COUNT; ++i) {
    const auto expected = each.expect.events.find(static_cast<gw_event>(i));
    comparison.number(std::string("event ") + kEventNames[i],
                      expected == each.expect.events.end() ? 0 : expected->second,
                      after.events[i] - before.events[i]);
  }
}

/// `is_expected(id)`: the one that the packet counts for. Entries made are checked for that one,
/// and in all when there is none.
template <typename IsExpected>
void compare_traffic(Comparison& comparison, const std::string& what, const PacketCase& each,
                     const std::vector<gw_traffic>& before, const std::vector<gw_traffic>& after,
                     IsExpected is_expected) {
  std::uint64_t flows = 0;
  for (std::size_t id = 0; id < after.size(); ++id) {
    const gw_traffic was = id < before.size() ? before[id] : gw_traffic{};
    const bool counts = each.expect.verdict == GW_FORWARD && is_expected(id);
    const std::string name = what + " " + std::to_string(id);
    comparison.number(name + " packets", counts ? 1 : 0, after[id].packets - was.packets);
    comparison.number(name + " bytes", counts ? each.packet.size() : 0,
                      after[id].bytes - was.bytes);
    if (each.expect.verdict != GW_FORWARD || counts) flows += after[id].flows - was.flows;
  }
  const auto expected = each.expect.events.find(GW_EVENT_FLOW_NEW);
  comparison.number(what + " flows", expected == each.expect.events.end() ? 0 : expected->second,
                    flows);
}

/// "web/tcp": a tcp_udp service has two ids.
std::string service_name(const compile::ServiceInfo& info) {
  return info.name + (info.protocol == GW_PROTO_TCP ? "/tcp" : "/udp");
}

/// Where the IP header is, behind Ethernet and tags.
std::size_t ip_offset(const Bytes& frame) {
  std::size_t at = 14;
  while (at + 20 < frame.size() && (frame[at - 2] == 0x81 || frame[at - 2] == 0x88)) at += 4;
  return at;
}

/// An IPv4 frame with the identification of another one.
Bytes identified_as(Bytes frame, const Bytes& other) {
  const std::size_t ip = ip_offset(frame);
  const std::size_t from = ip_offset(other);
  if (frame.size() < ip + 20 || other.size() < from + 20) return frame;
  frame[ip + 4] = other[from + 4];
  frame[ip + 5] = other[from + 5];
  frame[ip + 10] = frame[ip + 11] = 0;
  const std::span<const std::uint8_t> header(&frame[ip], (frame[ip] & 15u) * 4);
  const unsigned sum = ~internet_sum(header);
  frame[ip + 10] = static_cast<std::uint8_t>(sum >> 8);
  frame[ip + 11] = static_cast<std::uint8_t>(sum);
  return frame;
}

void compare_sent(Comparison& comparison, const PacketCase& each, const World& world,
                  const Sent& sent) {
  comparison.text("verdict", kVerdictNames[each.expect.verdict], kVerdictNames[sent.verdict]);
  if (!each.expect.interface.empty()) {
    const auto& interfaces = world.model.interfaces;
    comparison.text("interface", each.expect.interface,
                    sent.interface_index < interfaces.size()
                        ? interfaces[sent.interface_index].name
                        : "number " + std::to_string(sent.interface_index));
  }
  if (each.expect.bytes && *each.expect.bytes != sent.bytes) {
    comparison.text("bytes", std::to_string(each.expect.bytes->size()) + " bytes",
                    std::to_string(sent.bytes.size()) + " bytes that differ");
  }
  std::vector<Bytes> fragments = each.expect.fragments;
  if (each.expect.is_identified && !sent.fragments.empty())
    for (Bytes& fragment : fragments) fragment = identified_as(fragment, sent.fragments.front());
  comparison.number("fragments", fragments.size(), sent.fragments.size());
  for (std::size_t i = 0; i < std::min(fragments.size(), sent.fragments.size()); ++i)
    comparison.text("fragment " + std::to_string(i), hex_of(fragments[i]),
                    hex_of(sent.fragments[i]));
}

}  // namespace

Result<CaseResult> run_case(Driver& driver, const CaseFile& file, const PacketCase& original) {
  PacketCase each = original;
  if (driver.can_fragment() && each.expect_of_workers) each.expect = *each.expect_of_workers;
  std::string world = each.world;
  if (const auto ready = driver.reset(); !ready) return tl::unexpected(ready.error());
  if (const auto done = run_step(driver, file, PublishStep{world}); !done) {
    return tl::unexpected(done.error());
  }
  for (const Step& step : each.before) {
    if (const auto done = run_step(driver, file, step); !done) return tl::unexpected(done.error());
    if (const auto* publish = std::get_if<PublishStep>(&step)) world = publish->world;
  }
  const Counts before = driver.counts();
  Result<Sent> sent = driver.send(each.packet);
  if (!sent) return tl::unexpected(sent.error());
  const Counts after = driver.counts();

  Comparison comparison;
  compare_sent(comparison, each, file.worlds.at(world), *sent);
  compare_counters(comparison, each, before.counters, after.counters);
  const compile::ForwardingState& state = driver.state();
  compare_traffic(
      comparison, "backend", each, before.backends, after.backends, [&](std::size_t id) {
        return id < state.backend_info.size() && state.backend_info[id].name == each.expect.backend;
      });
  compare_traffic(comparison, "service", each, before.services, after.services,
                  [&](std::size_t id) {
                    return id < state.service_info.size() &&
                           service_name(state.service_info[id]) == each.expect.service;
                  });
  return CaseResult{std::move(*sent), comparison.take()};
}

}  // namespace guideway::test
