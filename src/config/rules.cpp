// SPDX-License-Identifier: Apache-2.0
#include "rules.h"

#include <utility>
#include <vector>

#include "guideway/model/validate.h"

namespace guideway::config {
namespace {

/// Where a person looks first: what the rule is about; if that is a default, what it looked at
/// besides.
Position place_of(const model::Problem& problem, const Node& root) {
  const Place place = locate(root, problem.path);
  const Place related = locate(root, problem.related);
  return !place.exact && related.exact && !problem.related.empty() ? related.position
                                                                   : place.position;
}

}  // namespace

void check_rules(const model::Model& model, const Node& root, Errors& errors) {
  std::vector<model::Problem> news;
  for (model::Problem& problem : model::validate(model)) {
    if (!errors.covers(problem.path) && !errors.covers(problem.related)) {
      news.push_back(std::move(problem));
    }
  }
  for (const model::Problem& problem : news) {
    errors.add(place_of(problem, root), problem.path, problem.message);
  }
}

}  // namespace guideway::config
