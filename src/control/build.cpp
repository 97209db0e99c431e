// SPDX-License-Identifier: Apache-2.0
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include "build.h"

#include <spdlog/spdlog.h>

#include <exception>

#include "guideway/base/text.h"
#include "guideway/config/json_text.h"
#include "guideway/model/restart.h"

namespace guideway::control {
namespace {

using Code = ChangeOutcome::Code;

/// An exception is our own fault or want of memory; it costs this change, not the daemon.
template <typename F>
void guarded(Build& build, const F& work) {
  const auto begin = std::chrono::steady_clock::now();
  try {
    work();
  } catch (const std::exception& error) {
    build.output.reset();
    build.errors.push_back("change " + build.change_id + " could not be worked out (" +
                           error.what() + "): please report this, with the configuration");
  }
  build.took += std::chrono::steady_clock::now() - begin;
}

void fail(Build& build, Code code, std::vector<config::FieldError> errors) {
  for (const config::FieldError& error : errors)
    build.errors.push_back((error.field.empty() ? "" : error.field + ": ") + error.message);
  build.asked->outcome.code = code;
  build.asked->outcome.errors = std::move(errors);
}

void fail(Build& build, Code code, const std::string& message) {
  if (build.asked)
    fail(build, code, {{"", message, false}});
  else
    build.errors.push_back(message);
}

std::optional<config::LoadResult> load_if_asked(Build& build, const LoadModel& load) {
  if (!build.asked->request.reload_file) return std::nullopt;
  config::LoadResult file = load();
  if (file.model) return file;
  std::vector<config::FieldError> errors;
  for (std::string& error : file.errors) errors.push_back({"file", std::move(error), false});
  fail(build, Code::kInvalid, std::move(errors));
  return std::nullopt;
}

/// {"services": […], "pools": […]}; what GET of it has besides is passed over.
void read_replacement_json(Build& build) {
  using config::Json;
  ChangeRequest& request = build.asked->request;
  const config::JsonBounds bounds;
  const std::string& text = *request.replacement_json;
  auto body = text.empty() ? Json() : config::parse_json(text, bounds);
  if (!body)
    return fail(build, Code::kMalformed,
                {{"body", "the body " + config::words_of(body.error(), bounds), false}});
  for (const char* key : {"services", "pools"})
    if (!body->is_object() || !body->contains(key) || !(*body)[key].is_array())
      return fail(build, Code::kInvalid, {{key, "must be there, and an array", false}});
  for (const auto& [key, value] : body->items())
    if (key != "services" && key != "pools" && key != "api" && key != "revision")
      return fail(
          build, Code::kInvalid,
          {{base::escape_untrusted(key), "is unknown: there are services and pools", false}});
  request.replacement = {std::move((*body)["services"]), std::move((*body)["pools"])};
}

/// Services and pools that came with the request.
void read_replacement(Build& build) {
  ChangeRequest& request = build.asked->request;
  if (request.replacement_json) return read_replacement_json(build);
  if (!request.replacement_file) return;
  config::LoadResult file = config::parse(*request.replacement_file, "request");
  std::vector<config::FieldError> errors;
  for (std::string& error : file.errors) errors.push_back({"body", std::move(error), false});
  if (!file.model) return fail(build, Code::kInvalid, std::move(errors));
  // A copy of the file lacks the secret.
  if (!file.model->director.hash_seed)
    file.model->director.hash_seed = build.input.model.director.hash_seed;
  const auto keys = model::restart_keys_changed(build.input.model, *file.model);
  if (!keys.empty())
    return fail(build, Code::kUnfit,
                {{keys.front(),
                  "is another than the running one: a change of this needs a restart with the file",
                  false}});
  request.replacement = std::move(file.resources);
}

Result<void> save(const StateDir& dir, const DesiredState& state, bool with_base) {
  if (with_base)
    if (auto saved = dir.save(kBaseFile, base_text(state)); !saved) return saved;
  return dir.save(kDesiredFile, to_text(state));
}

}  // namespace

void make_model(Build& build, const LoadModel& load) {
  guarded(build, [&] {
    Asked& asked = *build.asked;
    const auto file = load_if_asked(build, load);
    if (!build.failed()) read_replacement(build);
    if (build.failed()) return;
    auto revised = revise(*asked.desired, build.input.model, asked.request, file ? &*file : nullptr,
                          Moment::now());
    if (!revised) return fail(build, revised.error().code, std::move(revised.error().errors));
    asked.base_changed = revised->state.base != asked.desired->base;
    asked.desired = std::make_shared<const DesiredState>(std::move(revised->state));
    build.input.model = std::move(revised->model);
    asked.revised = std::move(*revised);
    asked.outcome.changes = asked.revised.changes;
    build.nothing_to_compile = !asked.revised.changed;
  });
}

void compile_input(Build& build) {
  guarded(build, [&] {
    auto output = compile::compile(build.input);
    if (output)
      build.output = std::move(*output);
    else
      fail(build, Code::kInvalid, output.error().message);
  });
}

void save_and_prepare(Build& build, const StateDir* state_dir, const DesiredState& before,
                      datapath::Datapath& datapath) {
  const bool saves = build.asked && build.asked->revised.to_save && state_dir != nullptr;
  guarded(build, [&] {
    if (saves) {
      const auto saved = save(*state_dir, *build.asked->desired, build.asked->base_changed);
      if (!saved)
        return fail(build, Code::kNotSaved, saved.error().message + "; nothing was changed");
    }
    if (!build.output) return;
    if (auto prepared = datapath.prepare(build.output->state); !prepared)
      fail(build, Code::kUnfit, prepared.error().message);
  });
  if (!build.failed()) return;
  build.output.reset();
  // Whatever of it is on the disk already is not in force.
  if (saves)
    if (auto restored = save(*state_dir, before, build.asked->base_changed); !restored)
      spdlog::warn("{}; what is saved may differ from what runs", restored.error().message);
}

}  // namespace guideway::control
