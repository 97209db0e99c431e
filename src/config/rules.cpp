// SPDX-License-Identifier: Apache-2.0
#include "rules.h"

#include <span>
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

std::span<const Node> items_of(const Member* array) {
  return array == nullptr ? std::span<const Node>() : std::span(array->value.items);
}

}  // namespace

void check_rules(const model::Model& model, const Node& root, Errors& errors) {
  if (errors.is_full()) {
    return;
  }
  std::vector<model::Problem> news;
  for (model::Problem& problem : model::validate(model)) {
    if (!errors.covers(problem.path) && !errors.covers(problem.related)) {
      news.push_back(std::move(problem));
    }
  }
  for (const model::Problem& problem : news) {
    errors.add(errors.is_full() ? Position() : place_of(problem, root), problem.path,
               problem.message);
  }
}

bool has_room(const model::Model& model, const Node& root, Errors& errors) {
  model::Sizes sizes;
  sizes.services = items_of(find_member(root, "service")).size();
  const auto pools = items_of(find_member(root, "pool"));
  sizes.pools = pools.size();
  for (const Node& pool : pools) {
    sizes.backends += items_of(find_member(pool, "backends")).size();
  }
  bool has = true;
  for (const model::Problem& problem : model::too_many(sizes, model.capacity)) {
    has = false;
    if (!errors.covers(problem.path)) {
      errors.add(place_of(problem, root), problem.path, problem.message);
    }
  }
  return has;
}

}  // namespace guideway::config
