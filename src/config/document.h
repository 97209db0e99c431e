// SPDX-License-Identifier: Apache-2.0
// A TOML document as plain values with positions: what the rest of this module reads, so that
// toml++ is known in one translation unit alone. Threading: values. Source: TOML v1.0.0.
#ifndef GUIDEWAY_CONFIG_DOCUMENT_H_
#define GUIDEWAY_CONFIG_DOCUMENT_H_

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace guideway::config {

/// From 1; columns count characters.
struct Position {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  friend auto operator<=>(const Position&, const Position&) = default;
};

struct Member;

struct Node {
  enum class Kind { kTable, kArray, kString, kInteger, kBoolean, kOther };

  Kind kind = Kind::kTable;
  /// Of the value; of a [table], its header.
  Position position;
  std::string text;             // kString
  std::int64_t integer = 0;     // kInteger
  bool boolean = false;         // kBoolean
  std::vector<Node> items;      // kArray
  std::vector<Member> members;  // kTable
  const char* type_name = "";   // "a string", for errors
};

struct Member {
  std::string key;
  Position position;  // of the key
  Node value;
};

/// The member of a table; null if it is not there or `node` is no table.
const Member* find_member(const Node& node, std::string_view key);

struct Place {
  Position position;
  bool exact = false;
};

/// Where `path` ("pool[2].backends[0].weight") is written. If it is not, the place is that of the
/// nearest thing around it, and not exact.
Place locate(const Node& root, std::string_view path);

struct SyntaxError {
  Position position;
  std::string message;
};

/// Any bytes are allowed, up to a nesting depth that no configuration reaches.
tl::expected<Node, SyntaxError> parse_document(std::string_view text);

/// Finds nesting of brackets or of dotted keys too deep for recursive code such as destructors.
/// Looks at every byte once and never recurses itself.
tl::expected<void, SyntaxError> check_nesting(std::string_view text);

}  // namespace guideway::config

#endif  // GUIDEWAY_CONFIG_DOCUMENT_H_
