// SPDX-License-Identifier: Apache-2.0
// GET of what takes long to make: figures are taken on the control thread, the text is made beside
// it, once for all who wait for it.
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include <memory>

#include "guideway/admin/status_json.h"
#include "routes.h"

namespace guideway::admin {
namespace {

using Answers = SharedTexts::Answers;

void make_status(control::Controller& controller, Answers::Done done) {
  const auto status = std::make_shared<const control::Status>(controller.status());
  const auto make = [status] {
    Response response;
    response.body = status_json(*status);
    response.revision = status->revision;
    return response;
  };
  controller.run_aside(make, std::move(done));
}

Response difference_response(const control::FileDifference& found) {
  if (!found.errors.empty())
    return to_response(
        CallError{409, "conflict", "", "the file cannot be used: " + found.errors.front()});
  Json restart = Json::array();
  for (const std::string& key : found.restart_keys) restart.push_back(key);
  Response response;
  response.body = to_text({{"api", 1},
                           {"revision", found.revision},
                           {"changes", changes_json(found.changes)},
                           {"needs_restart", std::move(restart)}});
  response.revision = found.revision;
  return response;
}

void make_difference(control::Controller& controller, Answers::Done done) {
  controller.compare_with_file(
      [done = std::move(done)](const std::shared_ptr<const control::FileDifference>& found) {
        done(found ? std::make_shared<const Response>(difference_response(*found)) : nullptr);
      });
}

void answer_from(Answers& answers, Respond respond) {
  answers.get([respond = std::move(respond)](const Answers::Answer& answer) {
    respond(answer ? *answer : error_response(500, "fault", "see the log of guidewayd"));
  });
}

}  // namespace

SharedTexts make_shared_texts(control::Controller& controller) {
  const auto made_by = [&controller](auto make) {
    return std::make_shared<Answers>(
        [&controller, make](Answers::Done done) { make(controller, std::move(done)); });
  };
  return {made_by(make_status), made_by(make_difference)};
}

void get_status(Call call) { answer_from(*call.texts.status, std::move(call.respond)); }

void get_diff(Call call) { answer_from(*call.texts.difference, std::move(call.respond)); }

}  // namespace guideway::admin
