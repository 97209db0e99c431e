// SPDX-License-Identifier: Apache-2.0
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include "report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "guideway/base/text.h"
#include "guideway/control/status.h"

namespace guideway::control {
namespace {

using base::Fields;
using compile::PoolInfo;
using compile::PoolMode;
using compile::PoolState;
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
constexpr std::array<CauseWords, 6> kCauses = {{
    {"start", "the first one"},
    {"reload", "configuration reloaded"},
    {"admin", "changed by the admin socket"},
    {"rollback", "rolled back"},
    {"expiry", "something has ended"},
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

const PoolInfo* find_info(const compile::ForwardingState* state, const std::string& name) {
  if (state == nullptr) return nullptr;
  const auto found = std::find_if(state->pool_info.begin(), state->pool_info.end(),
                                  [&](const PoolInfo& info) { return info.name == name; });
  return found == state->pool_info.end() ? nullptr : &*found;
}

std::string what_panic_does(const model::Pool& pool, PoolMode mode) {
  switch (mode) {
    case PoolMode::kFailOpen:
      return "new flows go to all backends that can be reached (fail_open)";
    case PoolMode::kHold:
      return "new flows go to the backends that were healthy before (hold)";
    case PoolMode::kFallback:
      return "new flows go to pool " + pool.panic.fallback_pool + " (fallback)";
    case PoolMode::kNormal:
      break;
  }
  return "";
}

/// Calls `one` with each of the first kMostSingly, then `others` with the number of the rest, if
/// there is a rest.
template <typename All, typename One, typename Others>
void say_bounded(const All& all, One one, Others others) {
  std::size_t count = 0;
  for (const auto& each : all)
    if (count++ < kMostSingly) one(each);
  if (count > kMostSingly) others(count - kMostSingly);
}

/// Adds one event for each change, until there are too many.
class StateReport {
 public:
  StateReport(EventLog& events, const std::string& change_id)
      : events_(events), change_id_(change_id) {}
  ~StateReport() {
    if (count_ > kMostSingly)
      events_.add(Kind::kState, level_enum::info,
                  fmt::format("{} more backends were changed by change {}", count_ - kMostSingly,
                              change_id_),
                  {{"change_id", change_id_}, {"more", count_ - kMostSingly}});
  }
  StateReport(const StateReport&) = delete;
  StateReport& operator=(const StateReport&) = delete;

  void add(const model::BackendKey& key, const std::string& name, const std::string& what,
           const Fields& fields) {
    if (++count_ > kMostSingly) return;
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
  if (before.forced != now.forced)
    report.add(key, now.name,
               now.forced == model::Forced::kNone
                   ? std::string("health is by the checks again")
                   : fmt::format("health by hand: forced {}", name_of(now.forced)),
               {{"from_forced", name_of(before.forced)}, {"to_forced", name_of(now.forced)}});
}

void report_reach(EventLog& events, const model::BackendKey& key,
                  const compile::BackendInfo& info) {
  const bool reachable = info.factors.reachable;
  const bool says_why = info.effective.rule == compile::WeightRule::kUnreachable;
  const std::string why = says_why ? ": " + info.reason : std::string();
  const char* reason = info.no_neighbour ? "no_neighbour" : "unreachable";
  events.add(
      Kind::kState, reachable ? level_enum::info : level_enum::warn,
      fmt::format("backend {}: {}{}", title(key, info.name),
                  reachable ? "can be reached again" : "cannot be reached", reachable ? "" : why),
      joined(fields_of(key, info.name), {{"to", reachable ? "reachable" : "unreachable"},
                                         {"reason", reachable ? "" : reason}}));
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

Cause cause_of(const Build& build) {
  if (!build.asked) return Cause::kNetworkOrHealth;
  const std::string& source = build.asked->request.source;
  if (source == "file") return Cause::kReload;
  if (source == "rollback") return Cause::kRollback;
  if (source == "expiry") return Cause::kExpiry;
  return Cause::kAdmin;
}

void report_unchanged(EventLog& events, std::uint64_t generation, const std::string& change_id,
                      Cause cause) {
  events.add(
      Kind::kConfig, cause == Cause::kReload ? level_enum::info : level_enum::debug,
      fmt::format("change {} changes nothing: generation {} stays", change_id, generation),
      {{"generation", generation}, {"change_id", change_id}, {"cause", words_of(cause).name}});
}

void report_refused(EventLog& events, const Build& build, std::uint64_t generation) {
  say_bounded(
      build.errors,
      [&](const std::string& error) {
        events.add(Kind::kConfig, level_enum::err, error, {{"change_id", build.change_id}});
      },
      [&](std::size_t more) {
        events.add(Kind::kConfig, level_enum::err,
                   fmt::format("{} more errors of change {}", more, build.change_id),
                   {{"change_id", build.change_id}, {"more", more}});
      });
  events.add(
      Kind::kConfig, level_enum::err,
      fmt::format("change {} refused: generation {} stays as it is", build.change_id, generation),
      {{"generation", generation},
       {"change_id", build.change_id},
       {"cause", words_of(cause_of(build)).name},
       {"errors", build.errors.size()}});
}

void report_health(EventLog& events, const health::Change& change) {
  const bool bad = change.now.state == health::State::kUnhealthy;
  const std::string detail = base::escape_untrusted(change.now.detail);
  const char* from = health::to_string(change.from);
  const char* to = health::to_string(change.now.state);
  const char* reason = bad ? health::to_string(change.now.reason) : "passed";
  events.add(Kind::kHealth, bad ? level_enum::warn : level_enum::info,
             fmt::format("backend {}: {} -> {} after {} probe(s): {}{}",
                         title(change.backend, change.name), from, to, change.probes, reason,
                         detail.empty() ? "" : " (" + detail + ")"),
             joined(fields_of(change.backend, change.name), {{"from", from},
                                                             {"to", to},
                                                             {"reason", reason},
                                                             {"detail", detail},
                                                             {"probes", change.probes}}));
  if (change.hold != std::chrono::milliseconds(0))
    events.add(Kind::kHealth, level_enum::warn,
               fmt::format("backend {} flaps: it stays unhealthy for {} ms at least",
                           title(change.backend, change.name), change.hold.count()),
               joined(fields_of(change.backend, change.name),
                      {{"reason", "flapping"}, {"hold_ms", change.hold.count()}}));
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

void report_panic(EventLog& events, const model::Model& model,
                  const compile::ForwardingState* before, const compile::ForwardingState& now) {
  for (std::size_t i = 0; i < now.pool_info.size() && i < model.pools.size(); i++) {
    const PoolInfo& info = now.pool_info[i];
    const PoolInfo* old = find_info(before, info.name);
    const bool was_panic = old != nullptr && old->state == PoolState::kPanic;
    const bool is_panic = info.state == PoolState::kPanic;
    if (is_panic == was_panic && (!is_panic || old->mode == info.mode)) continue;
    const std::string share = fmt::format("{} % of its weight is healthy", info.healthy_percent);
    events.add(Kind::kPanic, is_panic ? level_enum::warn : level_enum::info,
               is_panic ? fmt::format("pool {}: panic, {}: {}", info.name, share,
                                      what_panic_does(model.pools[i], info.mode))
                        : fmt::format("pool {}: panic is over, {}", info.name, share),
               {{"pool", info.name},
                {"panic", is_panic ? "yes" : "no"},
                {"mode", compile::to_string(info.mode)},
                {"healthy_percent", info.healthy_percent},
                {"generation", now.generation()}});
  }
}

void report_reachable(EventLog& events, const compile::ForwardingState& now,
                      std::set<model::BackendKey>& unreachable, base::LogLimit& limit) {
  std::set<model::BackendKey> gone = unreachable;
  std::size_t more = 0;
  for (const compile::BackendInfo& info : now.backend_info) {
    // A guest is reported where it is configured.
    if (!info.used || info.removed || !info.home.empty()) continue;
    const model::BackendKey key{info.pool, info.address, info.port};
    gone.erase(key);
    const bool is_known = unreachable.contains(key);
    const bool is_news = info.factors.reachable ? is_known : !is_known && !info.is_resolving;
    if (!is_news) continue;
    if (info.factors.reachable)
      unreachable.erase(key);
    else
      unreachable.insert(key);
    if (limit.allow())
      report_reach(events, key, info);
    else
      more++;
  }
  if (more != 0)
    events.add(Kind::kState, level_enum::warn,
               fmt::format("{} more backends can be reached again, or cannot any more: now {} "
                           "cannot (guideway backend list)",
                           more, unreachable.size()),
               {});
  for (const model::BackendKey& key : gone) unreachable.erase(key);
}

void report_dropped(EventLog& events, const std::string& change_id,
                    const std::vector<std::string>& dropped) {
  say_bounded(
      dropped,
      [&](const std::string& each) {
        events.add(Kind::kConfig, level_enum::warn,
                   "dropped, since it does not fit what it lay on: " + each,
                   {{"change_id", change_id}});
      },
      [&](std::size_t more) {
        events.add(Kind::kConfig, level_enum::warn,
                   fmt::format("{} more changes were dropped, since they do not fit what they lay "
                               "on",
                               more),
                   {{"change_id", change_id}, {"more", more}});
      });
}

void report_unusable(EventLog& events, const std::string& what) {
  events.add(Kind::kConfig, level_enum::warn, what, {});
}

void report_ended(EventLog& events, const std::string& change_id,
                  const std::vector<EndedNote>& ended) {
  say_bounded(
      ended,
      [&](const EndedNote& each) {
        const auto& [pool, backend] = each.backend;
        const bool has_one = !backend.empty();
        const Fields whose = {{"pool", pool}, {"backend", backend}};
        events.add(Kind::kAdmin, level_enum::info,
                   has_one ? "backend " + pool + "/" + backend + ": " + each.text : each.text,
                   joined(has_one ? whose : Fields(), {{"change_id", change_id}}));
      },
      [&](std::size_t more) {
        events.add(
            Kind::kAdmin, level_enum::info,
            fmt::format("{} more times to live, deadlines and healths by hand are over", more),
            {{"change_id", change_id}, {"more", more}});
      });
}

void report_free_ids(EventLog& events,
                     const std::map<std::uint16_t, compile::BackendIds::Entry>& freed) {
  say_bounded(
      freed,
      [&](const auto& each) {
        const auto& [id, entry] = each;
        events.add(Kind::kState, level_enum::info,
                   fmt::format("backend {}: its last flow has ended, id {} is free",
                               title(entry.key, entry.name), id),
                   joined(fields_of(entry.key, entry.name), {{"id", id}, {"to", "gone"}}));
      },
      [&](std::size_t more) {
        events.add(Kind::kState, level_enum::info,
                   fmt::format("the last flows of {} more removed backends have ended", more),
                   {{"to", "gone"}, {"more", more}});
      });
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
