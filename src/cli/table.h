// SPDX-License-Identifier: Apache-2.0
// Aligned tables for people: words to the left, numbers to the right.
// Threading: values.
#ifndef GUIDEWAY_CLI_TABLE_H_
#define GUIDEWAY_CLI_TABLE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace guideway::cli {

class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// REQUIRES: as many cells as columns.
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  /// Titles, then rows, each line indented by two spaces and ended by a newline.
  std::string to_string() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// 1234567 -> "1,234,567".
std::string grouped(std::uint64_t number);

}  // namespace guideway::cli

#endif  // GUIDEWAY_CLI_TABLE_H_
