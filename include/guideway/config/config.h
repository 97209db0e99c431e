// SPDX-License-Identifier: Apache-2.0
// The configuration file: TOML text to model. docs/configuration.md is the reference of its keys.
// Threading: no state.
// Source: TOML v1.0.0.
#ifndef GUIDEWAY_CONFIG_CONFIG_H_
#define GUIDEWAY_CONFIG_CONFIG_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guideway/config/resources.h"
#include "guideway/model/model.h"

namespace guideway::config {

struct LoadResult {
  /// Set exactly when there are no errors; it has then passed model::validate().
  std::optional<model::Model> model;
  /// "file:line:column: key: what is wrong and what is allowed", in the order of the file. All of
  /// them; only a syntax error hides what comes after it. Safe to print: control characters are
  /// escaped.
  std::vector<std::string> errors;
  /// "file: note: key: …", of a good file: what may surprise its author. As safe as the errors.
  std::vector<std::string> notes;
  /// The file's own words, of a good file: services and pools, and all other tables without the
  /// hash seed.
  Resources resources;
  Json rest = Json::object();
};

/// Reads and checks a file of at most 16 MiB.
LoadResult load_file(const std::string& path);

/// Checks `text`; `file_name` is for the errors. Any bytes are allowed.
LoadResult parse(std::string_view text, const std::string& file_name);

}  // namespace guideway::config

#endif  // GUIDEWAY_CONFIG_CONFIG_H_
