// SPDX-License-Identifier: Apache-2.0
// The one translation unit that knows toml++.
#include "document.h"

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>

namespace guideway::config {
namespace {

Position position_of(const toml::source_region& region) {
  return {region.begin.line, region.begin.column};
}

Node convert(const toml::node& from);

void convert_table(const toml::table& from, Node& node) {
  node.type_name = "a table";
  node.members.reserve(from.size());
  for (const auto& [key, value] : from) {
    node.members.push_back({std::string(key.str()), position_of(key.source()), convert(value)});
  }
}

void convert_array(const toml::array& from, Node& node) {
  node.kind = Node::Kind::kArray;
  node.type_name = "an array";
  node.items.reserve(from.size());
  for (const auto& item : from) {
    node.items.push_back(convert(item));
  }
}

const char* other_type_name(const toml::node& from) {
  return from.is_floating_point() ? "a number with a fraction" : "a date or time";
}

// Recursive, as deep as check_nesting() lets a document be.
Node convert(const toml::node& from) {
  Node node;
  node.position = position_of(from.source());
  if (const auto* table = from.as_table()) {
    convert_table(*table, node);
  } else if (const auto* array = from.as_array()) {
    convert_array(*array, node);
  } else if (const auto* string = from.as_string()) {
    node.kind = Node::Kind::kString;
    node.type_name = "a string";
    node.text = string->get();
  } else if (const auto* integer = from.as_integer()) {
    node.kind = Node::Kind::kInteger;
    node.type_name = "an integer";
    node.integer = integer->get();
  } else if (const auto* boolean = from.as_boolean()) {
    node.kind = Node::Kind::kBoolean;
    node.type_name = "a boolean";
    node.boolean = boolean->get();
  } else {
    node.kind = Node::Kind::kOther;
    node.type_name = other_type_name(from);
  }
  return node;
}

std::string_view line_at(std::string_view text, std::uint32_t number) {
  for (; number > 1; --number) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) {
      return {};
    }
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

SyntaxError describe(const toml::parse_error& error, std::string_view text) {
  const Position position = position_of(error.source());
  // The parser's words can quote what it saw.
  if (line_at(text, position.line).find("hash_seed") != std::string_view::npos) {
    return {position,
            "this line is not TOML (what is wrong is not shown, for it may hold the secret "
            "seed): write hash_seed = \"32 hexadecimal digits\""};
  }
  return {position, "not TOML: " + std::string(error.description())};
}

}  // namespace

const Member* find_member(const Node& node, std::string_view key) {
  const auto member = std::find_if(node.members.begin(), node.members.end(),
                                   [&](const Member& m) { return m.key == key; });
  return member == node.members.end() ? nullptr : &*member;
}

Place locate(const Node& root, std::string_view path) {
  const Node* node = &root;
  while (!path.empty()) {
    if (path[0] == '[') {
      std::size_t index = 0;
      const auto end = std::from_chars(path.data() + 1, path.data() + path.size(), index).ptr;
      if (index >= node->items.size()) {
        break;
      }
      node = &node->items[index];
      path.remove_prefix(static_cast<std::size_t>(end - path.data()) + 1);
    } else {
      if (path[0] == '.') {
        path.remove_prefix(1);
      }
      const auto size = std::min(path.find_first_of(".["), path.size());
      const Member* member = find_member(*node, path.substr(0, size));
      if (member == nullptr) {
        break;
      }
      node = &member->value;
      path.remove_prefix(size);
    }
  }
  return {node->position, path.empty()};
}

tl::expected<Node, SyntaxError> parse_document(std::string_view text) {
  if (const auto shallow = check_nesting(text); !shallow) {
    return tl::unexpected(shallow.error());
  }
  try {
    return convert(toml::parse(text));
  } catch (const toml::parse_error& error) {
    return tl::unexpected(describe(error, text));
  }
}

}  // namespace guideway::config
