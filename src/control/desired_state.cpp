// SPDX-License-Identifier: Apache-2.0
#include "guideway/control/desired_state.h"

#include <algorithm>
#include <span>
#include <utility>

#include "guideway/model/restart.h"
#include "saved_state.h"

namespace guideway::control {
namespace {

using config::Change;
using config::FieldError;
using config::Resources;
using Code = ChangeOutcome::Code;

/// Of a batch's changes that cannot be carried out; the others are not tried.
constexpr std::size_t kMostErrors = 99;

tl::unexpected<RevisionError> refuse(Code code, std::string field, std::string message) {
  return tl::unexpected(RevisionError{code, {{std::move(field), std::move(message), false}}});
}

/// Carries out what still applies of the overlay; the rest goes to `dropped`.
Resources put_on_top(const Resources& base, const std::vector<Change>& overlay,
                     std::vector<std::string>& dropped) {
  Resources result = base;
  for (const Change& change : overlay)
    if (const auto error = config::apply(change, result))
      dropped.push_back(change.path.to_string() + ": " + error->message);
  return result;
}

/// Carries out what of these changes breaks no rule of the model, on top of a `result` that is
/// good: all of them, or else each half by itself. A few that break one cost a few steps, however
/// many there are.
void put_on_top_if_valid(const model::Model& rest, std::span<const Change> changes,
                         Resources& result, std::vector<std::string>& dropped) {
  if (changes.empty()) return;
  Resources tried = result;
  std::optional<FieldError> error;
  for (const Change& change : changes)
    if (!error) error = config::apply(change, tried);
  if (!error) {
    const auto read = config::read_resources(rest, tried);
    if (!read.errors.empty()) error = read.errors.front();
  }
  if (!error) {
    result = std::move(tried);
  } else if (changes.size() == 1) {
    dropped.push_back(changes.front().path.to_string() + ": " + error->message);
  } else {
    put_on_top_if_valid(rest, changes.first(changes.size() / 2), result, dropped);
    put_on_top_if_valid(rest, changes.subspan(changes.size() / 2), result, dropped);
  }
}

struct Layered {
  Resources running;
  model::Model model;
};

/// Changes on top of a base that is good by itself (`file_model` is its model).
Layered layer(const model::Model& file_model, const Resources& base,
              const std::vector<Change>& overlay, std::vector<std::string>& dropped) {
  if (overlay.empty()) return {base, file_model};
  std::vector<std::string> unfit;
  Resources running = put_on_top(base, overlay, unfit);
  auto read = config::read_resources(file_model, running);
  if (!read.model) {
    unfit.clear();
    running = base;
    put_on_top_if_valid(file_model, overlay, running, unfit);
    read = config::read_resources(file_model, running);
  }
  dropped.insert(dropped.end(), unfit.begin(), unfit.end());
  if (!read.model) return {base, file_model};
  return {std::move(running), std::move(*read.model)};
}

/// The resources of an earlier revision: every change since then undone.
std::optional<Resources> resources_of(const DesiredState& state, std::uint64_t revision) {
  Resources resources = state.running;
  for (auto it = state.history.rbegin(); it != state.history.rend(); ++it) {
    if (it->number == revision) return resources;
    for (const Change& change : it->undo)
      if (config::apply(change, resources)) return std::nullopt;
  }
  return std::nullopt;
}

/// The next revision; its number is set here.
void add_revision(DesiredState& state, Revision revision) {
  revision.number = ++state.revision;
  state.history.push_back(std::move(revision));
  while (state.history.size() > DesiredState::kMostRevisions) state.history.pop_front();
}

bool renews(const ChangeRequest& request, const config::ResourcePath& path) {
  return std::any_of(request.marks.begin(), request.marks.end(), [&](const MarkChange& mark) {
    return mark.what == MarkChange::What::kRenew && mark.time &&
           mark.backend == MarkKey{path.name, path.backend};
  });
}

/// A backend with a time to live is put again and again by a program that says what it always says:
/// what an operator has said of it meanwhile stays, unless the program names that, too.
Change with_operators_word(const ChangeRequest& request, const DesiredState& state, Change change) {
  if (change.op != Change::Op::kPut || !renews(request, change.path)) return change;
  const auto mark = state.marks.find({change.path.name, change.path.backend});
  const config::Json* before = config::find_resource(state.running, change.path);
  if (before == nullptr || mark == state.marks.end() || !mark->second.ttl) return change;
  for (const char* key : {"state", "weight"})
    if (before->contains(key) && !change.value.contains(key)) change.value[key] = before->at(key);
  return change;
}

/// One request on its way through revise().
class Reviser {
 public:
  Reviser(const DesiredState& state, const model::Model& running, const ChangeRequest& request,
          const Moment& now)
      : before_(state), running_(running), request_(request), now_(now) {
    result_.state = state;
  }

  tl::expected<void, RevisionError> take_file(const config::LoadResult& file) {
    std::vector<FieldError> errors;
    for (const std::string& key : model::restart_keys_changed(running_, *file.model))
      errors.push_back({key, "a change of this needs a restart; nothing was applied", false});
    if (!errors.empty()) return tl::unexpected(RevisionError{Code::kUnfit, std::move(errors)});
    const auto overlay = config::difference(before_.base, before_.running);
    Layered layered = layer(*file.model, file.resources, overlay, result_.dropped);
    result_.state.base = file.resources;
    result_.state.rest = file.rest;
    result_.state.running = std::move(layered.running);
    model_ = std::move(layered.model);
    return {};
  }

  tl::expected<void, RevisionError> roll_back() {
    if (!request_.rollback_to || takes_back()) return {};
    std::uint64_t revision = *request_.rollback_to;
    if (revision == 0 && before_.history.size() >= 2)
      revision = before_.history[before_.history.size() - 2].number;
    auto resources = resources_of(before_, revision);
    if (!resources)
      return refuse(Code::kNotFound, "revision",
                    "revision " + std::to_string(revision) +
                        " is not in the history: guideway history shows it");
    result_.state.running = std::move(*resources);
    model_.reset();
    // Only what lies before the change that waits for its confirmation is without it.
    if (before_.unconfirmed && revision <= before_.unconfirmed->back_to) return_lost_marks();
    return {};
  }

  /// The unconfirmed revision's own changes are undone: what others changed since lies on top of
  /// what was before it.
  tl::expected<void, RevisionError> take_back() {
    if (!takes_back()) return {};
    const std::uint64_t back_to = before_.unconfirmed->back_to;
    const auto it = std::find_if(before_.history.begin(), before_.history.end(),
                                 [&](const Revision& each) { return each.number > back_to; });
    const auto with =
        it == before_.history.end() ? std::nullopt : resources_of(before_, it->number);
    const auto without = resources_of(before_, back_to);
    if (!with || !without)
      return refuse(Code::kUnfit, "", "the history does not lead back to what was before it");
    auto base = config::read_resources(running_, *without);
    if (!base.model) return tl::unexpected(RevisionError{Code::kInvalid, std::move(base.errors)});
    const auto since = config::difference(*with, before_.running);
    Layered layered = layer(*base.model, *without, since, result_.dropped);
    result_.state.running = std::move(layered.running);
    return_lost_marks();
    model_ = std::move(layered.model);
    result_.ended.push_back({{},
                             (request_.take_back ? "nobody has confirmed revision "
                                                 : "rolled back is what waits: revision ") +
                                 std::to_string(it->number) + ": its changes are taken back"});
    return {};
  }

  tl::expected<void, RevisionError> change_resources() {
    if (request_.replacement) {
      result_.state.running = *request_.replacement;
      model_.reset();
    }
    RevisionError error{Code::kNotFound, {}};
    for (const Change& change : request_.changes) {
      if (error.errors.size() == kMostErrors) {
        const auto rest = &request_.changes.back() - &change + 1;
        error.errors.push_back(
            {"", std::to_string(rest) + " more changes were not tried: correct these first",
             false});
        break;
      }
      const Change full = with_operators_word(request_, result_.state, change);
      if (auto wrong = config::apply(full, result_.state.running)) {
        if (!wrong->not_found) error.code = Code::kInvalid;
        error.errors.push_back(std::move(*wrong));
      }
      model_.reset();
    }
    if (!error.errors.empty()) return tl::unexpected(std::move(error));
    return {};
  }

  tl::expected<void, RevisionError> change_marks() {
    for (const MarkChange& mark : request_.marks) {
      const config::ResourcePath path{config::ResourcePath::Kind::kBackend, mark.backend.first,
                                      mark.backend.second};
      if (!config::find_resource(result_.state.running, path))
        return tl::unexpected(RevisionError{
            Code::kNotFound,
            {{path.to_string(), config::no_such(result_.state.running, path), true}}});
      apply(mark, now_, result_.state.marks);
    }
    if (auto wrong = end_what_is_over(); !wrong) return wrong;
    drop_orphans(result_.state.running, result_.state.marks);
    drop_ended_drains(result_.state.running, result_.state.marks);
    return {};
  }

  tl::expected<void, RevisionError> confirm() {
    if (request_.confirm && !before_.unconfirmed)
      return refuse(Code::kUnfit, "", "there is nothing that waits for a confirmation");
    if (before_.unconfirmed && request_.confirm_within)
      return refuse(Code::kUnfit, "confirm_within",
                    "another change waits for its confirmation: confirm it or roll it back first");
    if (request_.confirm) result_.state.unconfirmed.reset();
    if (request_.confirm_within)
      result_.state.unconfirmed =
          Unconfirmed{now_.wall + *request_.confirm_within, before_.revision,
                      lost_marks(before_.marks, result_.state.marks)};
    return {};
  }

  tl::expected<Revised, RevisionError> finish() {
    if (!model_) {
      auto read = config::read_resources(running_, result_.state.running);
      if (!read.model) return tl::unexpected(RevisionError{Code::kInvalid, std::move(read.errors)});
      model_ = std::move(read.model);
    }
    apply_to_model(result_.state.marks, *model_);
    result_.changes = config::difference(before_.running, result_.state.running);
    result_.changed = *model_ != running_;
    const bool same_words = result_.changes.empty();
    const bool same_base = result_.state.base == before_.base && result_.state.rest == before_.rest;
    result_.to_save = !same_words || !same_base || result_.changed || request_.confirm ||
                      request_.confirm_within || has_other_marks() ||
                      before_.unconfirmed.has_value() != result_.state.unconfirmed.has_value();
    if (!same_words || result_.changed) {
      if (is_history_full())
        return refuse(Code::kUnfit, "",
                      "a change waits for its confirmation, and the history has no room for more "
                      "revisions since: confirm it, or roll it back");
      write_history();
    }
    if (!result_.changed && request_.confirm_within) result_.state.unconfirmed.reset();
    result_.model = std::move(*model_);
    return std::move(result_);
  }

 private:
  /// A rollback without a revision means the change that waits, not what others did since.
  bool takes_back() const {
    return before_.unconfirmed && (request_.take_back || request_.rollback_to == 0u);
  }

  /// The change that waited is no more in result_.state.running.
  void return_lost_marks() {
    return_marks(before_.unconfirmed->lost, before_.running, result_.state.running, now_.steady,
                 result_.state.marks);
    result_.state.unconfirmed.reset();
  }

  tl::expected<void, RevisionError> end_what_is_over() {
    auto ended = request_.end_marks ? end_marks(result_.state.marks, now_) : std::nullopt;
    if (!ended) return {};
    for (const Change& deletion : ended->deletions) {
      if (auto wrong = config::apply(deletion, result_.state.running))
        return tl::unexpected(RevisionError{Code::kInvalid, {std::move(*wrong)}});
      model_.reset();
    }
    result_.state.marks = std::move(ended->marks);
    result_.ended.insert(result_.ended.end(), ended->notes.begin(), ended->notes.end());
    return {};
  }

  /// Times to live are not saved each time they are renewed: a restart begins them anew.
  bool has_other_marks() const {
    const auto without_ttl = [](Marks marks) {
      for (auto& [key, mark] : marks) mark.ttl_until.reset();
      return marks;
    };
    return without_ttl(result_.state.marks) != without_ttl(before_.marks);
  }

  /// One revision more would push out the one that may have to come back.
  bool is_history_full() const {
    const DesiredState& state = result_.state;
    return before_.unconfirmed && state.unconfirmed &&
           state.history.size() >= DesiredState::kMostRevisions &&
           state.history.front().number >= state.unconfirmed->back_to;
  }

  void write_history() {
    std::vector<Change> changes = result_.changes;
    for (Change& change : mark_changes(before_.marks, result_.state.marks, result_.state.running))
      changes.push_back(std::move(change));
    add_revision(result_.state,
                 {0, now_.wall, request_.change_id, request_.source, std::move(changes),
                  config::difference(result_.state.running, before_.running)});
  }

  const DesiredState& before_;
  const model::Model& running_;
  const ChangeRequest& request_;
  const Moment now_;
  Revised result_;
  std::optional<model::Model> model_;  // of result_.state.running, when it is known already
};

}  // namespace

tl::expected<Revised, RevisionError> revise(const DesiredState& state, const model::Model& running,
                                            const ChangeRequest& request,
                                            const config::LoadResult* file, const Moment& now) {
  Reviser revision(state, running, request, now);
  if (file != nullptr)
    if (auto done = revision.take_file(*file); !done) return tl::unexpected(done.error());
  if (auto done = revision.roll_back(); !done) return tl::unexpected(done.error());
  if (auto done = revision.take_back(); !done) return tl::unexpected(done.error());
  if (auto done = revision.change_resources(); !done) return tl::unexpected(done.error());
  if (auto done = revision.change_marks(); !done) return tl::unexpected(done.error());
  if (auto done = revision.confirm(); !done) return tl::unexpected(done.error());
  return revision.finish();
}

Revised restore(const config::LoadResult& file, std::string_view text, std::string_view base,
                const Moment& now) {
  Revised result;
  DesiredState& state = result.state;
  SavedState saved = saved_state(text, base, now.steady, result.dropped);
  result.damaged = !result.dropped.empty();
  Layered layered = layer(*file.model, file.resources, saved.overlay, result.dropped);
  state.base = file.resources;
  state.rest = file.rest;
  state.running = std::move(layered.running);
  state.marks = std::move(saved.marks);
  for (const auto& [pool, backend] : drop_orphans(state.running, state.marks))
    result.dropped.push_back(
        "what was said by hand of " +
        config::ResourcePath{config::ResourcePath::Kind::kBackend, pool, backend}.to_string() +
        ": it is not there any more");
  if (auto ended = end_marks(state.marks, now)) {
    state.marks = std::move(ended->marks);
    result.ended = std::move(ended->notes);
  }
  drop_ended_drains(state.running, state.marks);
  state.revision = saved.revision;
  state.history = std::move(saved.history);
  state.unconfirmed = saved.unconfirmed;
  std::vector<std::string> known;  // dropped by the daemon that saved it, too
  const Resources before =
      saved.base ? put_on_top(*saved.base, saved.overlay, known) : state.running;
  result.changes = config::difference(before, state.running);
  if (state.history.empty() || !result.changes.empty()) {
    Revision start{0,       now.wall,       "start",
                   "start", result.changes, config::difference(state.running, before)};
    if (!can_be_read_back(start)) {
      result.dropped.emplace_back("the saved file is damaged: the history begins anew");
      result.damaged = true;
      state.history.clear();
      state.unconfirmed.reset();
      start.changes.clear();
      start.undo.clear();
    }
    add_revision(state, std::move(start));
  }
  if (state.unconfirmed && state.history.front().number > state.unconfirmed->back_to) {
    result.dropped.emplace_back(
        "a change that waited for its confirmation stays: the history had no room for the way "
        "back");
    state.unconfirmed.reset();
  }
  result.model = std::move(layered.model);
  apply_to_model(state.marks, result.model);
  return result;
}

}  // namespace guideway::control
