// SPDX-License-Identifier: Apache-2.0
#include "orphan_view.h"

#include <array>
#include <chrono>

#include "guideway/base/clock.h"
#include "guideway/core/reasons.h"
#include "json.h"
#include "table.h"

namespace guideway::cli {
namespace {

using datapath::xdp::Orphan;
using Align = Table::Align;

constexpr std::array<const char*, GW_REASON_COUNT> kReasons = {
#define GW_REASON_NAME(id, verdict, name, help) name,
    GW_REASONS(GW_REASON_NAME)
#undef GW_REASON_NAME
};

std::string alone_since(const Orphan& orphan) {
  return base::utc_text(std::chrono::system_clock::now() - std::chrono::seconds(orphan.alone_s));
}

std::string list(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string backends(const Orphan& orphan) {
  Table table({{"BACKEND"},
               {"ADDRESS"},
               {"PACKETS", Align::kRight},
               {"BYTES", Align::kRight},
               {"FLOWS", Align::kRight},
               {""}});
  for (const auto& b : orphan.backends)
    table.add({b.name, b.address, grouped(b.traffic.packets), grouped(b.traffic.bytes),
               grouped(b.traffic.flows), b.removed ? "removed" : ""});
  return table.to_string();
}

std::string reasons(const Orphan& orphan) {
  Table table({{"REASON"}, {"PACKETS", Align::kRight}});
  for (std::size_t i = 0; i < kReasons.size(); i++)
    if (orphan.counters.reasons[i] != 0)
      table.add({kReasons[i], grouped(orphan.counters.reasons[i])});
  return table.empty() ? "" : "\n" + table.to_string();
}

Json to_json(const Orphan& orphan) {
  Json all = Json::array();
  for (const auto& b : orphan.backends)
    all.push_back({{"name", b.name},
                   {"address", b.address},
                   {"removed", b.removed},
                   {"packets", b.traffic.packets},
                   {"bytes", b.traffic.bytes},
                   {"flows", b.traffic.flows}});
  Json counted = Json::object();
  for (std::size_t i = 0; i < kReasons.size(); i++)
    counted[kReasons[i]] = orphan.counters.reasons[i];
  return {{"director", orphan.director},
          {"devices", orphan.devices},
          {"generation", orphan.generation},
          {"alone_s", orphan.alone_s},
          {"since", alone_since(orphan)},
          {"health", "frozen"},
          {"packets_in", orphan.counters.packets_in},
          {"reasons", counted},
          {"backends", all}};
}

}  // namespace

std::string orphan_view(const Orphan& orphan) {
  return "director " + orphan.director + ": no guidewayd runs, and its XDP program on " +
         list(orphan.devices) + " goes on forwarding\nsince " + alone_since(orphan) +
         ", generation " + std::to_string(orphan.generation) +
         "; health is frozen: a backend that fails now keeps its flows\n\n" + backends(orphan) +
         reasons(orphan);
}

std::string orphans_json(const std::vector<Orphan>& orphans) {
  Json all = Json::array();
  for (const Orphan& orphan : orphans) all.push_back(to_json(orphan));
  const Json json = {{"api", 1}, {"running", false}, {"directors", all}};
  return json_line(json);
}

}  // namespace guideway::cli
