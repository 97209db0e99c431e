// SPDX-License-Identifier: Apache-2.0
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include "report.h"

#include <fmt/format.h>

#include <array>
#include <map>

#include "guideway/base/text.h"
#include "guideway/control/status.h"

namespace guideway::control {
namespace {

using base::Fields;
using events::EventLog;
using events::Kind;
using spdlog::level::level_enum;

/// "web/b1".
std::string title(const model::BackendKey& key, const std::string& name) {
  return key.pool + "/" + name;
}

Fields fields_of(const model::BackendKey& key, const std::string& name) {
  return {{"pool", key.pool},
          {"backend", name},
          {"address", key.address.to_string()},
          {"port", key.port}};
}

Fields joined(Fields first, const Fields& more) {
  first.insert(first.end(), more.begin(), more.end());
  return first;
}

struct CauseWords {
  const char* name;
  const char* text;
};

/// In the order of Cause.
constexpr std::array<CauseWords, 3> kCauses = {{
    {"start", "the first one"},
    {"reload", "configuration reloaded"},
    {"network_or_health", "routes, neighbours or health changed"},
}};

const CauseWords& words_of(Cause cause) { return kCauses[static_cast<std::size_t>(cause)]; }

/// The backends of a model, by what makes them the same.
std::map<model::BackendKey, const model::Backend*> backends_of(const model::Model& model) {
  std::map<model::BackendKey, const model::Backend*> all;
  for (const model::Pool& pool : model.pools)
    for (const model::Backend& backend : pool.backends)
      all[model::key_of(pool, backend)] = &backend;
  return all;
}

/// Adds one event for each change, until there are too many.
class StateReport {
 public:
  StateReport(EventLog& events, const std::string& change_id)
      : events_(events), change_id_(change_id) {}
  ~StateReport() {
    if (count_ > kMostStates)
      events_.add(Kind::kState, level_enum::info,
                  fmt::format("{} more backends were changed by change {}", count_ - kMostStates,
                              change_id_),
                  {{"change_id", change_id_}});
  }
  StateReport(const StateReport&) = delete;
  StateReport& operator=(const StateReport&) = delete;

  void add(const model::BackendKey& key, const std::string& name, const std::string& what,
           const Fields& fields) {
    if (++count_ > kMostStates) return;
    events_.add(Kind::kState, level_enum::info, "backend " + title(key, name) + ": " + what,
                joined(joined(fields_of(key, name), fields), {{"change_id", change_id_}}));
  }

 private:
  EventLog& events_;
  const std::string& change_id_;
  std::size_t count_ = 0;
};

void report_difference(StateReport& report, const model::BackendKey& key,
                       const model::Backend& before, const model::Backend& now) {
  if (before.state != now.state)
    report.add(key, now.name, fmt::format("{} -> {}", name_of(before.state), name_of(now.state)),
               {{"from", name_of(before.state)}, {"to", name_of(now.state)}});
  if (before.weight != now.weight)
    report.add(key, now.name, fmt::format("weight {} -> {}", before.weight, now.weight),
               {{"from_weight", before.weight}, {"to_weight", now.weight}});
}

}  // namespace

void report_generation(EventLog& events, std::uint64_t generation, const std::string& change_id,
                       Cause cause, std::chrono::steady_clock::duration took) {
  const auto took_ms = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
  const bool often = cause == Cause::kNetworkOrHealth;
  events.add(Kind::kGeneration, often ? level_enum::debug : level_enum::info,
             fmt::format("generation {} published: {} (change {}, built in {} ms)", generation,
                         words_of(cause).text, change_id, took_ms),
             {{"generation", generation},
              {"change_id", change_id},
              {"cause", words_of(cause).name},
              {"build_ms", took_ms}});
}

void report_refused(EventLog& events, const Build& build, std::uint64_t generation) {
  for (const std::string& error : build.errors)
    events.add(Kind::kConfig, level_enum::err, error, {{"change_id", build.change_id}});
  events.add(
      Kind::kConfig, level_enum::err,
      fmt::format("change {} refused: generation {} stays as it is", build.change_id, generation),
      {{"generation", generation},
       {"change_id", build.change_id},
       {"cause", words_of(build.from_file ? Cause::kReload : Cause::kNetworkOrHealth).name},
       {"errors", build.errors.size()}});
}

void report_health(EventLog& events, const health::Change& change) {
  const bool bad = change.now.state == health::State::kUnhealthy;
  const std::string detail = base::escape_untrusted(change.now.detail);
  const char* from = health::to_string(change.from);
  const char* to = health::to_string(change.now.state);
  const char* reason = health::to_string(change.now.reason);
  events.add(Kind::kHealth, bad ? level_enum::warn : level_enum::info,
             fmt::format("backend {}: {} -> {} after {} probe(s){}{}{}",
                         title(change.backend, change.name), from, to, change.probes,
                         bad ? ": " : "", reason, detail.empty() ? "" : " (" + detail + ")"),
             joined(fields_of(change.backend, change.name), {{"from", from},
                                                             {"to", to},
                                                             {"reason", reason},
                                                             {"detail", detail},
                                                             {"probes", change.probes}}));
}

void report_states(EventLog& events, const model::Model& before, const model::Model& now,
                   const std::string& change_id) {
  if (before.pools == now.pools) return;
  StateReport report(events, change_id);
  auto old = backends_of(before);
  for (const auto& [key, backend] : backends_of(now)) {
    const auto known = old.find(key);
    if (known == old.end()) {
      report.add(key, backend->name,
                 fmt::format("added, weight {}, {}", backend->weight, name_of(backend->state)),
                 {{"to", name_of(backend->state)}, {"to_weight", backend->weight}});
      continue;
    }
    report_difference(report, key, *known->second, *backend);
    old.erase(known);
  }
  for (const auto& [key, backend] : old)
    report.add(key, backend->name, "removed: no new flows, those that it has stay",
               {{"from", name_of(backend->state)}, {"to", "removed"}});
}

void report_panic(EventLog& events, const compile::ForwardingState* before,
                  const compile::ForwardingState& now) {
  std::map<std::string, bool> was;
  if (before)
    for (const auto& pool : before->pool_info) was[pool.name] = pool.fails_open;
  for (const auto& pool : now.pool_info) {
    const auto known = was.find(pool.name);
    if (pool.fails_open == (known != was.end() && known->second)) continue;
    events.add(Kind::kPanic, pool.fails_open ? level_enum::err : level_enum::info,
               pool.fails_open
                   ? "pool " + pool.name + ": no backend is healthy, so all are used"
                   : "pool " + pool.name + ": has healthy backends again, and uses them alone",
               {{"pool", pool.name},
                {"fails_open", pool.fails_open ? "yes" : "no"},
                {"generation", now.generation()}});
  }
}

void report_free_id(EventLog& events, std::uint16_t id, const compile::BackendIds::Entry& entry) {
  events.add(Kind::kState, level_enum::info,
             fmt::format("backend {}: its last flow has ended, id {} is free",
                         title(entry.key, entry.name), id),
             joined(fields_of(entry.key, entry.name), {{"id", id}, {"to", "gone"}}));
}

void report_fault(EventLog& events, const Result<void>& result, std::string& last) {
  std::string fault = result ? std::string() : result.error().message;
  if (!fault.empty() && fault != last)
    events.add(Kind::kAddress, level_enum::err, fault + "; trying again", {{"to", "failed"}});
  if (fault.empty() && !last.empty())
    events.add(Kind::kAddress, level_enum::info, "addresses: in order again, after: " + last,
               {{"to", "ok"}});
  last = std::move(fault);
}

}  // namespace guideway::control
