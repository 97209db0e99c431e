// SPDX-License-Identifier: Apache-2.0
#include "plan_view.h"

#include <cstdio>

#include "change.h"
#include "table.h"

namespace guideway::cli {
namespace {

using Align = Table::Align;

std::string percent(const Json& value) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.1f %%", value.get<double>());
  return digits;
}

std::string moved_slots(const Json& plan) {
  Table table({{"POOL"}, {"SLOTS", Align::kRight}, {"MOVED", Align::kRight}, {"", Align::kRight}});
  for (const Json& pool : plan.at("pools"))
    table.add({text_of(pool, "pool"), grouped(pool.at("slots").get<std::uint64_t>()),
               grouped(pool.at("slots_moved").get<std::uint64_t>()),
               percent(pool.at("moved_percent"))});
  return table.empty() ? "" : "\n" + table.to_string();
}

std::string counted(const Json& one) {
  const Json& age = one.at("live_flows_age_s");
  return age.is_null() ? "not yet" : std::to_string(age.get<std::int64_t>()) + " s ago";
}

std::string removed(const Json& plan) {
  Table table({{"GOES AWAY"}, {"LIVE FLOWS", Align::kRight}, {"COUNTED", Align::kRight}});
  for (const Json& one : plan.at("removed"))
    table.add(
        {text_of(one, "path"), grouped(one.at("live_flows").get<std::uint64_t>()), counted(one)});
  return table.empty() ? "" : "\n" + table.to_string();
}

/// What breaks connections: services that go, or change their pool.
std::string moved_services(const Json& plan) {
  Table table({{"SERVICE"},
               {"PROTOCOL"},
               {"POOL"},
               {"LOSES FLOWS", Align::kRight},
               {"COUNTED", Align::kRight}});
  for (const Json& one : plan.value("services", Json::array())) {
    const Json& to = one.at("to_pool");
    table.add({text_of(one, "service"), text_of(one, "protocol"),
               text_of(one, "from_pool") + (to.is_null() ? ", goes away" : " -> " + plain(to)),
               "up to " + grouped(one.at("live_flows_at_most").get<std::uint64_t>()),
               counted(one)});
  }
  return table.empty() ? "" : "\n" + table.to_string();
}

/// What the daemon remarks, if it is one that does.
std::string notes(const Json& plan) {
  std::string lines;
  for (const Json& note : plan.value("notes", Json::array())) lines += "\nnote: " + plain(note);
  return lines.empty() ? "" : lines + "\n";
}

}  // namespace

std::string plan_view(const Json& plan) {
  const Json& changes = plan.at("changes");
  const std::string revision = std::to_string(plan.at("revision").get<std::uint64_t>());
  if (changes.empty()) return "no change to revision " + revision + "\n";
  return "changes to revision " + revision + ":\n" + changes_text(changes) + moved_slots(plan) +
         removed(plan) + moved_services(plan) + notes(plan);
}

std::string plan_errors(const Json& plan) {
  std::string lines;
  for (const Json& error : plan.value("errors", Json::array())) {
    const std::string field = error.is_object() ? plain(error.value("field", Json(""))) : "";
    lines += (lines.empty() ? "" : "\n") + (field.empty() ? "" : field + ": ") +
             (error.is_object() ? text_of(error, "message") : plain(error));
  }
  return lines;
}

}  // namespace guideway::cli
