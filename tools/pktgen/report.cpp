// SPDX-License-Identifier: Apache-2.0
#include "report.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace guideway::pktgen {
namespace {

using Json = nlohmann::ordered_json;

double per_second(std::uint64_t count, const Report& report) {
  return report.seconds > 0 ? static_cast<double>(count) / report.seconds : 0;
}

double loss_of(const Report& report, const SinkCounts& counts) {
  if (report.sent == 0) return 0;
  return static_cast<double>(lost(report, counts)) / static_cast<double>(report.sent);
}

Json faults_json(const SinkCounts& counts) {
  Json json;
  for (std::size_t i = 0; i < kFaultCount; i++) json[kFaultNames[i]] = counts.faults[i].get();
  return json;
}

Json backends_json(const std::vector<BackendTotals>& backends) {
  Json list = Json::array();
  for (const BackendTotals& backend : backends) {
    list.push_back({{"backend", backend.key.to_string()},
                    {"forwarding", name_of(backend.key.tunnel)},
                    {"packets", backend.packets},
                    {"bytes", backend.bytes},
                    {"flows", backend.flows}});
  }
  return list;
}

Json spread_json(const Spread& spread) {
  return {{"fewest", spread.fewest},
          {"most", spread.most},
          {"mean", spread.mean},
          {"deviation", spread.deviation}};
}

std::string text_of_faults(const SinkCounts& counts) {
  std::string text;
  for (std::size_t i = 0; i < kFaultCount; i++) {
    if (counts.faults[i].get() == 0) continue;
    text +=
        fmt::format("{}{} {}", text.empty() ? " (" : ", ", kFaultNames[i], counts.faults[i].get());
  }
  return text.empty() ? text : text + ")";
}

}  // namespace

Spread spread_of(const std::vector<BackendTotals>& backends) {
  if (backends.empty()) return {};
  Spread spread{.fewest = backends.front().flows};
  std::uint64_t sum = 0;
  for (const BackendTotals& backend : backends) {
    spread.fewest = std::min(spread.fewest, backend.flows);
    spread.most = std::max(spread.most, backend.flows);
    sum += backend.flows;
  }
  spread.mean = static_cast<double>(sum) / static_cast<double>(backends.size());
  if (spread.mean > 0) {
    spread.deviation = std::max(static_cast<double>(spread.most) - spread.mean,
                                spread.mean - static_cast<double>(spread.fewest)) /
                       spread.mean;
  }
  return spread;
}

std::uint64_t lost(const Report& report, const SinkCounts& counts) {
  const std::uint64_t received = counts.received.get();
  return received < report.sent ? report.sent - received : 0;
}

std::vector<std::string> problems(const Report& report, const SinkCounts& counts, double max_loss) {
  std::vector<std::string> found;
  if (report.sent == 0) found.emplace_back("no packet was sent");
  if (const auto moved = counts.flows_moved.get(); moved != 0) {
    found.push_back(fmt::format("{} flows changed their backend", moved));
  }
  if (const auto corrupt = counts.corrupt.get(); corrupt != 0) {
    found.push_back(fmt::format("{} packets were wrong{}", corrupt, text_of_faults(counts)));
  }
  if (const auto duplicates = counts.duplicates.get(); duplicates != 0) {
    found.push_back(fmt::format("{} packets came twice", duplicates));
  }
  if (const double loss = loss_of(report, counts); loss > max_loss) {
    found.push_back(
        fmt::format("{} of {} packets were lost, a fraction of {:.4g}; --max-loss is {:.4g}",
                    lost(report, counts), report.sent, loss, max_loss));
  }
  return found;
}

std::string as_json(const Report& report, const Sink& sink, double max_loss) {
  const SinkCounts& counts = sink.counts();
  const auto wrong = problems(report, counts, max_loss);
  const Json json = {
      {"good", wrong.empty()},
      {"problems", wrong},
      {"seed", report.seed},
      {"flows", report.flows},
      {"seconds", report.seconds},
      {"interrupted", report.interrupted},
      {"memory", report.memory},
      {"sent", report.sent},
      {"sent_bytes", report.bytes_sent},
      {"sent_pps", per_second(report.sent, report)},
      {"device_busy", report.device_busy},
      {"received", counts.received.get()},
      {"lost", lost(report, counts)},
      {"loss", loss_of(report, counts)},
      {"duplicates", counts.duplicates.get()},
      {"late", counts.late.get()},
      {"flows_seen", counts.flows_seen.get()},
      {"flows_moved", counts.flows_moved.get()},
      {"moves", counts.moves.get()},
      {"corrupt", counts.corrupt.get()},
      {"faults", faults_json(counts)},
      {"outgoing", counts.outgoing.get()},
      {"foreign", counts.foreign.get()},
      {"spread", spread_json(spread_of(sink.backends()))},
      {"backends", backends_json(sink.backends())},
  };
  return json.dump();
}

std::string as_text(const Report& report, const Sink& sink, double max_loss) {
  const SinkCounts& counts = sink.counts();
  std::string text = fmt::format(
      "sent        {} packets in {:.3f} s, {:.0f} per second\n"
      "received    {}, lost {} ({:.4g} of all), twice {}, late {}\n"
      "flows       {} of {} seen, {} moved\n"
      "wrong       {}{}\n",
      report.sent, report.seconds, per_second(report.sent, report), counts.received.get(),
      lost(report, counts), loss_of(report, counts), counts.duplicates.get(), counts.late.get(),
      counts.flows_seen.get(), report.flows, counts.flows_moved.get(), counts.corrupt.get(),
      text_of_faults(counts));
  for (const BackendTotals& backend : sink.backends()) {
    text += fmt::format("backend     {:<24} {:<6} {:>12} packets {:>9} flows\n",
                        backend.key.to_string(), name_of(backend.key.tunnel), backend.packets,
                        backend.flows);
  }
  const Spread spread = spread_of(sink.backends());
  text += fmt::format("spread      {} to {} flows a backend, at most {:.1f} % off the mean\n",
                      spread.fewest, spread.most, spread.deviation * 100);
  for (const std::string& problem : problems(report, counts, max_loss)) {
    text += "FAILED      " + problem + "\n";
  }
  return text;
}

}  // namespace guideway::pktgen
