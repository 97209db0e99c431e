// SPDX-License-Identifier: Apache-2.0
#include "table_reader.h"

#include <algorithm>

#include "guideway/base/text.h"

namespace guideway::config {
namespace {

/// "a", "b", "c"
std::string list(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "\"" : ", \"") + word + "\"";
  }
  return text;
}

}  // namespace

TableReader::TableReader(const Node& table, std::string path, Errors& errors)
    : table_(table), path_(std::move(path)), errors_(errors) {
  if (table.kind != Node::Kind::kTable) {
    errors_.add(table.position, path_, must_be("a table", table));
  }
}

std::string TableReader::must_be(const std::string& wanted, const Node& node) {
  return "must be " + wanted + ", not " + node.type_name;
}

std::string TableReader::path_of(const std::string& key) const {
  return path_.empty() ? key : path_ + "." + key;
}

const Node* TableReader::find(const char* key, Need need) {
  known_.emplace_back(key);
  const Member* member = find_member(table_, key);
  if (member != nullptr) {
    return &member->value;
  }
  if (need == Need::kRequired && table_.kind == Node::Kind::kTable) {
    errors_.add(table_.position, path_of(key), "is missing: it is required here");
  }
  return nullptr;
}

void TableReader::add_error(const Node& node, const char* key, const std::string& message) {
  errors_.add(node.position, path_of(key), message);
}

void TableReader::add_type_error(const Node& node, const char* key, const std::string& wanted) {
  add_error(node, key, must_be(wanted, node));
}

const Node* TableReader::find_string(const char* key, Need need) {
  const Node* node = find(key, need);
  if (node != nullptr && node->kind != Node::Kind::kString) {
    add_type_error(*node, key, "a string");
    return nullptr;
  }
  return node;
}

void TableReader::read_boolean(const char* key, bool& out) {
  const Node* node = find(key);
  if (node == nullptr) {
    return;
  }
  if (node->kind == Node::Kind::kBoolean) {
    out = node->boolean;
  } else {
    add_type_error(*node, key, "true or false");
  }
}

void TableReader::read_string(const char* key, std::string& out, Need need) {
  if (const Node* node = find_string(key, need)) {
    out = node->text;
  }
}

std::optional<std::int64_t> TableReader::integer(const Node& node, const std::string& path,
                                                 const model::Range& range,
                                                 const std::string& wanted) {
  if (node.kind != Node::Kind::kInteger) {
    errors_.add(node.position, path, must_be(wanted + ", " + to_string(range), node));
    return std::nullopt;
  }
  if (!range.contains(node.integer)) {
    errors_.add(node.position, path,
                std::to_string(node.integer) + " is out of range: allowed is " + to_string(range));
    return std::nullopt;
  }
  return node.integer;
}

void TableReader::add_choice_error(const Node& node, const char* key,
                                   const std::vector<std::string>& allowed,
                                   const std::vector<std::string>& later) {
  const bool comes_later = std::find(later.begin(), later.end(), node.text) != later.end();
  add_error(node, key,
            base::quoted(node.text) + (comes_later ? " is not in this version" : " is not known") +
                ": allowed " + (allowed.size() == 1 ? "is " : "are ") + list(allowed));
}

const Node* TableReader::find_duration(const char* key) {
  const Node* node = find(key);
  if (node == nullptr || node->kind == Node::Kind::kString) {
    return node;
  }
  if (node->kind == Node::Kind::kInteger) {
    const std::string number = std::to_string(node->integer);
    add_error(*node, key,
              number + " has no unit: write for example \"" + number + "s\" (units: ms, s, m, h)");
  } else {
    add_type_error(*node, key, "a duration such as \"10s\" (units: ms, s, m, h)");
  }
  return nullptr;
}

void TableReader::read_duration(const char* key, std::chrono::milliseconds& out) {
  if (const Node* node = find_duration(key)) {
    read_text(*node, path_of(key), parse_duration, out);
  }
}

void TableReader::read_seconds(const char* key, std::chrono::seconds& out) {
  if (const Node* node = find_duration(key)) {
    read_text(*node, path_of(key), parse_seconds, out);
  }
}

void TableReader::read_array(
    const char* key, const std::function<void(const Node& item, const std::string& path)>& read,
    const char* items) {
  const Node* node = find(key);
  if (node == nullptr) {
    return;
  }
  if (node->kind != Node::Kind::kArray) {
    add_type_error(*node, key, std::string("an array") + items);
    return;
  }
  const std::string path = path_of(key);
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    read(node->items[i], path + "[" + std::to_string(i) + "]");
  }
}

void TableReader::report_unknown_keys() {
  constexpr std::size_t kLongestShown = 64;
  for (const Member& member : table_.members) {
    if (std::find(known_.begin(), known_.end(), member.key) != known_.end()) {
      continue;
    }
    if (errors_.is_full()) {
      errors_.add(member.position, "", "");  // counted
      continue;
    }
    const std::string shown = base::escape_untrusted(member.key.substr(0, kLongestShown));
    errors_.add(member.position, path_of(shown),
                "unknown key, the nearest known one is \"" + nearest(member.key, known_) +
                    "\"; known here are " + list(known_));
  }
}

}  // namespace guideway::config
