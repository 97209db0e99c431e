// SPDX-License-Identifier: Apache-2.0
#include "top_view.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <sstream>
#include <vector>

#include "status_view.h"
#include "table.h"

namespace guideway::cli {
namespace {

using Align = Table::Align;
/// Of a service, a backend or all workers: by counter's name.
using Counters = std::map<std::string, std::uint64_t>;

const std::vector<std::string> kTrafficNames = {"packets", "bytes", "flows"};
const std::vector<std::string> kWorkerNames = {"packets_in", "bytes_in",  "forwarded",
                                               "replied",    "to_kernel", "dropped"};

void add_counters(const Json& object, const std::vector<std::string>& names, Counters& sums) {
  for (const std::string& name : names) sums[name] += object.at(name).get<std::uint64_t>();
}

/// By name: "web/b1" for backends, "web/spare/c1" for guests.
using Rows = std::map<std::string, Counters>;

Rows service_counters(const Json& status) {
  Rows rows;
  for (const Json& service : status.at("services"))
    add_counters(service, kTrafficNames, rows[service.at("name")]);
  return rows;
}

Rows backend_counters(const Json& status) {
  Rows rows;
  for (const Json& pool : status.at("pools"))
    for (const Json& backend : pool.at("backends"))
      add_counters(backend, kTrafficNames, rows[backend_name(pool, backend)]);
  return rows;
}

Counters worker_counters(const Json& status) {
  Counters sums;
  for (const Json& worker : status.at("workers")) add_counters(worker, kWorkerNames, sums);
  return sums;
}

/// {"packets_per_s": …}, rounded. What was not there earlier began at zero.
Json rates(const Counters& earlier, const Counters& later, double seconds) {
  Json json = Json::object();
  for (const auto& [name, value] : later) {
    const auto before = earlier.find(name);
    const std::uint64_t old = before == earlier.end() ? 0 : before->second;
    const std::uint64_t more = value > old ? value - old : 0;
    json[name + "_per_s"] = seconds > 0 ? std::llround(static_cast<double>(more) / seconds) : 0;
  }
  return json;
}

Json row_rates(const std::string& name, const Rows& earlier, const Rows& later, double seconds) {
  const auto before = earlier.find(name);
  // One that is new has no rate yet: its counters may have run for longer.
  Json row =
      rates(before == earlier.end() ? later.at(name) : before->second, later.at(name), seconds);
  row["name"] = name;
  return row;
}

void sort_by_packets(Json& rows) {
  std::stable_sort(rows.begin(), rows.end(), [](const Json& a, const Json& b) {
    return a.at("packets_per_s").get<std::int64_t>() > b.at("packets_per_s").get<std::int64_t>();
  });
}

std::string rate(const Json& row, const char* name) {
  return grouped(row.at(name).get<std::uint64_t>());
}

/// Bytes to "12.3" megabits.
std::string megabits(const Json& row, const char* name) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.1f", row.at(name).get<double>() * 8 / 1e6);
  return digits;
}

}  // namespace

Json rates_between(const Json& earlier, const Json& later, std::chrono::nanoseconds time) {
  const double seconds = std::chrono::duration<double>(time).count();
  Json services = Json::array();
  const Rows old_services = service_counters(earlier);
  for (const auto& [name, counters] : service_counters(later))
    services.push_back(row_rates(name, old_services, {{name, counters}}, seconds));
  sort_by_packets(services);

  Json backends = Json::array();
  const Rows old_backends = backend_counters(earlier);
  const Rows new_backends = backend_counters(later);
  for (const Json& pool : later.at("pools"))
    for (const Json& backend : pool.at("backends")) {
      const std::string name = backend_name(pool, backend);
      Json row = row_rates(name, old_backends, new_backends, seconds);
      for (const char* key : {"state", "health", "live_flows"}) row[key] = backend.at(key);
      backends.push_back(std::move(row));
    }
  sort_by_packets(backends);

  return {{"api", 1},
          {"interval_s", seconds},
          {"director", later.at("director")},
          {"generation", later.at("generation")},
          {"workers", rates(worker_counters(earlier), worker_counters(later), seconds)},
          {"services", services},
          {"backends", backends}};
}

std::string top_view(const Json& rates) {
  const Json& workers = rates.at("workers");
  const std::string head =
      "director " + text_of(rates, "director") + ", generation " +
      std::to_string(rates.at("generation").get<std::uint64_t>()) + ": " +
      rate(workers, "packets_in_per_s") + " packets/s in, " + megabits(workers, "bytes_in_per_s") +
      " Mbit/s; forwarded " + rate(workers, "forwarded_per_s") + ", to kernel " +
      rate(workers, "to_kernel_per_s") + ", dropped " + rate(workers, "dropped_per_s") + "\n\n";
  const std::vector<Table::Column> columns = {{"", Align::kLeft},
                                              {"PACKETS/S", Align::kRight},
                                              {"MBIT/S", Align::kRight},
                                              {"NEW FLOWS/S", Align::kRight}};
  const auto cells = [](const Json& row) {
    return std::vector<std::string>{text_of(row, "name"), rate(row, "packets_per_s"),
                                    megabits(row, "bytes_per_s"), rate(row, "flows_per_s")};
  };
  auto service_columns = columns;
  service_columns[0].title = "SERVICE";
  Table services(service_columns);
  for (const Json& row : rates.at("services")) services.add(cells(row));
  auto backend_columns = columns;
  backend_columns[0].title = "BACKEND";
  backend_columns.insert(backend_columns.end(), {{"LIVE", Align::kRight}, {"STATE"}, {"HEALTH"}});
  Table backends(backend_columns);
  for (const Json& row : rates.at("backends")) {
    auto line = cells(row);
    line.insert(line.end(),
                {rate(row, "live_flows"), text_of(row, "state"), text_of(row, "health")});
    backends.add(line);
  }
  return head + services.to_string() + "\n" + backends.to_string();
}

std::string cut_to_screen(const std::string& text, std::size_t rows, std::size_t columns) {
  std::istringstream lines(text);
  std::string cut;
  std::string line;
  for (std::size_t row = 0; row < rows && std::getline(lines, line); row++) {
    std::size_t end = std::min(line.size(), columns);
    // Not inside a character of several bytes.
    while (end > 0 && end < line.size() && (static_cast<unsigned char>(line[end]) & 0xc0) == 0x80)
      end--;
    cut += (row == 0 ? "" : "\n") + line.substr(0, end);
  }
  return cut;
}

}  // namespace guideway::cli
