// SPDX-License-Identifier: Apache-2.0
// [[pool]] and [[service]], of a file or of what the admin socket asks for.
#include "guideway/base/text.h"
#include "guideway/config/resources.h"
#include "guideway/model/validate.h"
#include "json_node.h"
#include "rules.h"
#include "sections.h"

namespace guideway::config {
namespace {

model::Sizes sizes_of(const Resources& resources) {
  model::Sizes sizes{resources.services.size(), resources.pools.size(), 0};
  for (const Json& pool : resources.pools) {
    const auto backends = pool.is_object() ? pool.find("backends") : pool.end();
    if (backends != pool.end() && backends->is_array()) sizes.backends += backends->size();
  }
  return sizes;
}

}  // namespace

void read_changeable(TableReader& file, const Node& root, Errors& errors, model::Model& model) {
  if (!has_room(model, root, errors)) {
    for (const char* known : {"pool", "service"}) file.find(known);
    return;
  }
  file.read_array(
      "pool",
      [&](const Node& node, const std::string& path) {
        model.pools.push_back(read_pool(node, path, errors));
      },
      " of tables: write [[pool]]");
  file.read_array(
      "service",
      [&](const Node& node, const std::string& path) {
        model.services.push_back(read_service(node, path, errors));
      },
      " of tables: write [[service]]");
}

ModelResult read_resources(const model::Model& rest, const Resources& resources) {
  // A node is ten times as large as its text.
  ModelResult result;
  for (model::Problem& problem : model::too_many(sizes_of(resources), rest.capacity))
    result.errors.push_back({std::move(problem.path), std::move(problem.message), false});
  if (!result.errors.empty()) return result;
  const Node root = node_of({{"pool", resources.pools}, {"service", resources.services}});
  Errors errors;
  TableReader reader(root, "", errors);
  model::Model model = rest;
  model.pools.clear();
  model.services.clear();
  read_changeable(reader, root, errors, model);
  check_rules(model, root, errors);
  for (auto& [field, message] : errors.fields()) {
    result.errors.push_back({base::escape_untrusted(field), std::move(message), false});
  }
  if (result.errors.empty()) {
    result.model = std::move(model);
  }
  return result;
}

}  // namespace guideway::config
