// SPDX-License-Identifier: Apache-2.0
// TableReader: takes typed values out of one TOML table. Each read_…() makes its key a known one;
// when all are read, report_unknown_keys() reports the others. So there is no list of keys beside
// the code. A value that is absent or wrong leaves `out` alone; what is wrong goes to Errors.
// Threading: one thread.
#ifndef GUIDEWAY_CONFIG_TABLE_READER_H_
#define GUIDEWAY_CONFIG_TABLE_READER_H_

#include <chrono>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "document.h"
#include "errors.h"
#include "guideway/base/result.h"
#include "guideway/config/values.h"
#include "guideway/model/limits.h"

namespace guideway::config {

enum class Need { kOptional, kRequired };

/// A word that a key can have. Without a value: designed, but not in this version.
template <typename T>
struct Choice {
  const char* word;
  std::optional<T> value;
};

class TableReader {
 public:
  /// `table` may be any kind of node: one that is no table is reported, and then read as empty.
  TableReader(const Node& table, std::string path, Errors& errors);

  /// Null if it is not there, which is reported if `need` says so.
  const Node* find(const char* key, Need need = Need::kOptional);

  std::string path_of(const std::string& key) const;
  void add_error(const Node& node, const char* key, const std::string& message);
  /// "must be a string, not an integer".
  void add_type_error(const Node& node, const char* key, const std::string& wanted);

  void read_boolean(const char* key, bool& out);
  void read_string(const char* key, std::string& out, Need need = Need::kOptional);

  template <typename T>
  void read_integer(const char* key, const model::Range& range, T& out,
                    Need need = Need::kOptional) {
    if (const Node* node = find(key, need)) {
      if (const auto value = integer(*node, path_of(key), range, "an integer")) {
        out = static_cast<T>(*value);
      }
    }
  }

  template <typename T>
  void read_choice(const char* key, std::initializer_list<Choice<T>> choices, T& out) {
    const Node* node = find_string(key, Need::kOptional);
    if (node == nullptr) {
      return;
    }
    std::vector<std::string> allowed;
    std::vector<std::string> later;
    for (const Choice<T>& choice : choices) {
      if (node->text == choice.word && choice.value) {
        out = *choice.value;
        return;
      }
      (choice.value ? allowed : later).emplace_back(choice.word);
    }
    add_choice_error(*node, key, allowed, later);
  }

  /// A string that `parse` (string_view to Result<T>) understands.
  template <typename Out, typename Parse>
  void read_parsed(const char* key, Parse parse, Out& out, Need need = Need::kOptional) {
    if (const Node* node = find_string(key, need)) {
      read_text(*node, path_of(key), parse, out);
    }
  }

  void read_duration(const char* key, std::chrono::milliseconds& out);
  void read_seconds(const char* key, std::chrono::seconds& out);

  /// Calls `read` with each item of an array and its path.
  void read_array(const char* key,
                  const std::function<void(const Node& item, const std::string& path)>& read,
                  const char* items = "");

  /// The integer in `node`, or none after reporting; `wanted` is the type, for the report.
  std::optional<std::int64_t> integer(const Node& node, const std::string& path,
                                      const model::Range& range, const std::string& wanted);

  /// The text in `node` by way of `parse`; `node` may be of another kind, which is reported.
  template <typename Out, typename Parse>
  void read_text(const Node& node, const std::string& path, Parse parse, Out& out) {
    if (node.kind != Node::Kind::kString) {
      errors_.add(node.position, path, must_be("a string", node));
      return;
    }
    if (auto value = parse(std::string_view(node.text))) {
      out = std::move(*value);
    } else {
      errors_.add(node.position, path, value.error().message);
    }
  }

  void report_unknown_keys();

 private:
  static std::string must_be(const std::string& wanted, const Node& node);
  const Node* find_string(const char* key, Need need);
  /// Like find_string(); an integer, without its unit, gets an error that shows the right form.
  const Node* find_duration(const char* key);
  void add_choice_error(const Node& node, const char* key, const std::vector<std::string>& allowed,
                        const std::vector<std::string>& later);

  const Node& table_;
  std::string path_;
  Errors& errors_;
  std::vector<std::string> known_;
};

}  // namespace guideway::config

#endif  // GUIDEWAY_CONFIG_TABLE_READER_H_
