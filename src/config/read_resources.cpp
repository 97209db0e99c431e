// SPDX-License-Identifier: Apache-2.0
// [[pool]] and [[service]], of a file or of what the admin socket asks for.
#include "guideway/base/text.h"
#include "guideway/config/resources.h"
#include "json_node.h"
#include "rules.h"
#include "sections.h"

namespace guideway::config {

void read_changeable(TableReader& file, Errors& errors, model::Model& model) {
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
  const Node root = node_of({{"pool", resources.pools}, {"service", resources.services}});
  Errors errors;
  TableReader reader(root, "", errors);
  model::Model model = rest;
  model.pools.clear();
  model.services.clear();
  read_changeable(reader, errors, model);
  check_rules(model, root, errors);
  ModelResult result;
  for (auto& [field, message] : errors.fields()) {
    result.errors.push_back({base::escape_untrusted(field), std::move(message), false});
  }
  if (result.errors.empty()) {
    result.model = std::move(model);
  }
  return result;
}

}  // namespace guideway::config
