// SPDX-License-Identifier: Apache-2.0
#include "table.h"

#include <algorithm>

namespace guideway::cli {

std::string Table::to_string() const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); i++) {
    std::size_t width = columns_[i].title.size();
    for (const auto& row : rows_) width = std::max(width, row[i].size());
    widths.push_back(width);
  }
  std::string text;
  const auto add_line = [&](const auto& cell) {
    std::string line = " ";
    for (std::size_t i = 0; i < columns_.size(); i++) {
      const std::string value = cell(i);
      const std::string padding(widths[i] - value.size(), ' ');
      line += ' ';
      line += columns_[i].align == Align::kLeft ? value + padding : padding + value;
      line += ' ';
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  add_line([&](std::size_t i) { return columns_[i].title; });
  for (const auto& row : rows_) add_line([&](std::size_t i) { return row[i]; });
  return text;
}

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

}  // namespace guideway::cli
