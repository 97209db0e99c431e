// SPDX-License-Identifier: Apache-2.0
// The errors of one file, and which keys they are about. However many there
// are, few are kept: whoever mends those finds the rest.
// Threading: one thread.
#ifndef GUIDEWAY_CONFIG_ERRORS_H_
#define GUIDEWAY_CONFIG_ERRORS_H_

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "document.h"

namespace guideway::config {

class Errors {
 public:
  /// `path` is the key's: "pool[2].name".
  void add(Position position, const std::string& path, const std::string& message);
  /// True when further ones are only counted.
  bool is_full() const { return list_.size() == kMostLines; }

  /// True if `path`, or something that it is a part of, has an error. What follows from that error
  /// is no news.
  bool covers(std::string_view path) const;

  bool empty() const { return list_.empty(); }

  /// Of fields() and to_text(); if there are more, the last one says how many.
  static constexpr std::size_t kMostLines = 100;

  /// Path and message of each, in the order in which they were found.
  std::vector<std::pair<std::string, std::string>> fields() const;

  /// "file:line:column: key: message", in the order of the file.
  std::vector<std::string> to_text(const std::string& file_name) const;

 private:
  struct Entry {
    Position position;
    std::string path;
    std::string message;
  };
  /// How many of list_ are shown.
  std::size_t shown() const { return not_kept_ == 0 ? list_.size() : kMostLines - 1; }
  /// "7 more errors are not shown: …"
  std::string rest() const;

  std::vector<Entry> list_;
  std::size_t not_kept_ = 0;
  std::set<std::string, std::less<>> paths_;
};

}  // namespace guideway::config

#endif  // GUIDEWAY_CONFIG_ERRORS_H_
