// SPDX-License-Identifier: Apache-2.0
#include "report.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace guideway::pktgen {
namespace {

using Json = nlohmann::ordered_json;

struct Percentile {
  const char* name;
  double share;
};
constexpr Percentile kPercentiles[] = {
    {"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"p99.99", 0.9999}};

/// In the histogram's unit times `scale`.
Json histogram_json(const Histogram& values, double scale) {
  const auto scaled = [&](std::uint64_t value) { return static_cast<double>(value) * scale; };
  Json json = {{"count", values.count()},
               {"least", scaled(values.least())},
               {"mean", values.mean() * scale}};
  for (const auto& [name, share] : kPercentiles) json[name] = scaled(values.quantile(share));
  json["most"] = scaled(values.most());
  return json;
}

Json trials_json(const std::vector<Trial>& trials) {
  Json list = Json::array();
  for (const Trial& trial : trials) {
    list.push_back({{"rate_pps", trial.rate_pps},
                    {"sent_pps", trial.sent_pps},
                    {"loss", trial.loss},
                    {"good", trial.good}});
  }
  return list;
}

/// What was sent a second in the fastest good trial; 0: none was good.
double found_pps(const std::vector<Trial>& trials) {
  double best = 0;
  for (const Trial& trial : trials)
    if (trial.good) best = std::max(best, trial.sent_pps);
  return best;
}

double late_of(const SinkCounts& counts) {
  const std::uint64_t received = counts.received.get();
  if (received == 0) return 0;
  return static_cast<double>(counts.late.get()) / static_cast<double>(received);
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

std::string text_of_times(const Report& report, const Sink& sink) {
  std::string text;
  if (sink.late_by().count() != 0) {
    text += fmt::format("late by     {} (median), {} (most) sequence numbers of the flow\n",
                        sink.late_by().quantile(0.5), sink.late_by().most());
  }
  if (!report.latency) return text;
  text += "latency     ";
  for (const auto& [name, share] : kPercentiles) {
    text += fmt::format("{} {:.1f}, ", name,
                        static_cast<double>(sink.latency().quantile(share)) / 1000);
  }
  return text + fmt::format("most {:.1f} us, of {} packets\n",
                            static_cast<double>(sink.latency().most()) / 1000,
                            sink.latency().count());
}

std::string text_of_trials(const Report& report) {
  std::string text;
  for (const Trial& trial : report.trials) {
    text += fmt::format("trial       {:>12.0f} per second: loss {:.4g}, {}\n", trial.sent_pps,
                        trial.loss, trial.good ? "good" : "too much");
  }
  if (!report.trials.empty())
    text += fmt::format("found       {:.0f} per second\n", found_pps(report.trials));
  return text;
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

double sent_pps(const Report& report) {
  return report.seconds > 0 ? static_cast<double>(report.sent) / report.seconds : 0;
}

double loss_of(const Report& report, const SinkCounts& counts) {
  if (report.sent == 0) return 0;
  return static_cast<double>(lost(report, counts)) / static_cast<double>(report.sent);
}

std::uint64_t lost(const Report& report, const SinkCounts& counts) {
  const std::uint64_t received = counts.received.get();
  return received < report.sent ? report.sent - received : 0;
}

std::vector<std::string> problems(const Report& report, const SinkCounts& counts,
                                  const Judgement& judgement) {
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
  if (const double late = late_of(counts); late > judgement.max_late) {
    found.push_back(fmt::format("{} packets came late, a fraction of {:.4g}; --max-late is {:.4g}",
                                counts.late.get(), late, judgement.max_late));
  }
  if (!report.trials.empty() && found_pps(report.trials) == 0) {
    found.push_back(
        fmt::format("every rate that was tried loses more than {:.4g}", judgement.max_loss));
    return found;
  }
  if (const double loss = loss_of(report, counts); loss > judgement.max_loss) {
    found.push_back(
        fmt::format("{} of {} packets were lost, a fraction of {:.4g}; --max-loss is {:.4g}",
                    lost(report, counts), report.sent, loss, judgement.max_loss));
  }
  return found;
}

std::string as_json(const Report& report, const Sink& sink, const Judgement& judgement) {
  const SinkCounts& counts = sink.counts();
  const auto wrong = problems(report, counts, judgement);
  Json json = {
      {"good", wrong.empty()},
      {"problems", wrong},
      {"seed", report.seed},
      {"flows", report.flows},
      {"seconds", report.seconds},
      {"interrupted", report.interrupted},
      {"memory", report.memory},
      {"sent", report.sent},
      {"sent_bytes", report.bytes_sent},
      {"sent_pps", sent_pps(report)},
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
  if (counts.late.get() != 0) json["late_by"] = histogram_json(sink.late_by(), 1);
  if (report.latency) json["latency_us"] = histogram_json(sink.latency(), 1e-3);
  if (!report.trials.empty()) {
    json["found_pps"] = found_pps(report.trials);
    json["trials"] = trials_json(report.trials);
  }
  return json.dump();
}

std::string as_text(const Report& report, const Sink& sink, const Judgement& judgement) {
  const SinkCounts& counts = sink.counts();
  std::string text = fmt::format(
      "sent        {} packets in {:.3f} s, {:.0f} per second\n"
      "received    {}, lost {} ({:.4g} of all), twice {}, late {}\n"
      "flows       {} of {} seen, {} moved\n"
      "wrong       {}{}\n",
      report.sent, report.seconds, sent_pps(report), counts.received.get(), lost(report, counts),
      loss_of(report, counts), counts.duplicates.get(), counts.late.get(), counts.flows_seen.get(),
      report.flows, counts.flows_moved.get(), counts.corrupt.get(), text_of_faults(counts));
  for (const BackendTotals& backend : sink.backends()) {
    text += fmt::format("backend     {:<24} {:<6} {:>12} packets {:>9} flows\n",
                        backend.key.to_string(), name_of(backend.key.tunnel), backend.packets,
                        backend.flows);
  }
  text += text_of_times(report, sink) + text_of_trials(report);
  const Spread spread = spread_of(sink.backends());
  text += fmt::format("spread      {} to {} flows a backend, at most {:.1f} % off the mean\n",
                      spread.fewest, spread.most, spread.deviation * 100);
  for (const std::string& problem : problems(report, counts, judgement)) {
    text += "FAILED      " + problem + "\n";
  }
  return text;
}

}  // namespace guideway::pktgen
