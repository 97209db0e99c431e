// SPDX-License-Identifier: Apache-2.0
#include "errors.h"

#include <algorithm>
#include <span>

#include "guideway/base/text.h"

namespace guideway::config {

void Errors::add(Position position, const std::string& path, const std::string& message) {
  if (is_full()) {
    ++not_kept_;
    return;
  }
  paths_.insert(path);
  list_.push_back({position, path, message});
}

bool Errors::covers(std::string_view path) const {
  for (auto size = path.size(); size != std::string_view::npos && size > 0;
       size = path.find_last_of(".[", size - 1)) {
    if (paths_.contains(path.substr(0, size))) {
      return true;
    }
  }
  return false;
}

std::vector<std::pair<std::string, std::string>> Errors::fields() const {
  std::vector<std::pair<std::string, std::string>> fields;
  fields.reserve(list_.size());
  for (const Entry& entry : std::span(list_).first(shown())) {
    fields.emplace_back(entry.path, entry.message);
  }
  if (not_kept_ != 0) {
    fields.emplace_back("", rest());
  }
  return fields;
}

std::string Errors::rest() const {
  return std::to_string(list_.size() + not_kept_ - shown()) +
         " more errors are not shown: correct these first";
}

std::vector<std::string> Errors::to_text(const std::string& file_name) const {
  std::vector<Entry> sorted = list_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Entry& a, const Entry& b) { return a.position < b.position; });
  const std::string file = base::escape_untrusted(file_name);
  std::vector<std::string> lines;
  lines.reserve(sorted.size());
  for (const Entry& entry : std::span(sorted).first(shown())) {
    lines.push_back(file + ":" + std::to_string(entry.position.line) + ":" +
                    std::to_string(entry.position.column) + ": " + entry.path + ": " +
                    entry.message);
  }
  if (not_kept_ != 0) {
    lines.push_back(file + ":1:1: file: " + rest());
  }
  return lines;
}

}  // namespace guideway::config
