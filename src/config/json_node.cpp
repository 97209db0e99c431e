// SPDX-License-Identifier: Apache-2.0
#include "json_node.h"

namespace guideway::config {
namespace {

Node scalar_node(const Json& json) {
  Node node;
  if (json.is_string()) {
    node.kind = Node::Kind::kString;
    node.type_name = "a string";
    node.text = json.get<std::string>();
  } else if (json.is_number_integer() &&
             (!json.is_number_unsigned() || json.get<std::uint64_t>() <= INT64_MAX)) {
    node.kind = Node::Kind::kInteger;
    node.type_name = "an integer";
    node.integer = json.get<std::int64_t>();
  } else if (json.is_boolean()) {
    node.kind = Node::Kind::kBoolean;
    node.type_name = "a boolean";
    node.boolean = json.get<bool>();
  } else {
    node.kind = Node::Kind::kOther;
    node.type_name = json.is_null() ? "null" : "a number that is no 64-bit integer";
  }
  return node;
}

}  // namespace

Node node_of(const Json& json) {
  Node node;
  if (json.is_object()) {
    node.type_name = "a table";
    for (const auto& [key, value] : json.items()) {
      node.members.push_back({key, {}, node_of(value)});
    }
    return node;
  }
  if (json.is_array()) {
    node.kind = Node::Kind::kArray;
    node.type_name = "an array";
    for (const Json& item : json) {
      node.items.push_back(node_of(item));
    }
    return node;
  }
  return scalar_node(json);
}

Json json_of(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kTable: {
      Json json = Json::object();
      for (const Member& member : node.members) {
        json[member.key] = json_of(member.value);
      }
      return json;
    }
    case Node::Kind::kArray: {
      Json json = Json::array();
      for (const Node& item : node.items) {
        json.push_back(json_of(item));
      }
      return json;
    }
    case Node::Kind::kString:
      return node.text;
    case Node::Kind::kInteger:
      return node.integer;
    case Node::Kind::kBoolean:
      return node.boolean;
    case Node::Kind::kOther:
      return nullptr;
  }
  return nullptr;
}

}  // namespace guideway::config
