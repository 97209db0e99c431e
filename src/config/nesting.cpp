// SPDX-License-Identifier: Apache-2.0
// toml++ bounds the nesting of values, but not of dotted keys: two megabytes of "a.a.a…" would
// overflow the stack in a destructor. This scan knows just enough of TOML to skip strings and
// comments. Where it reads a broken document differently from toml++, that one has stopped before.
#include <algorithm>
#include <string>

#include "document.h"

namespace guideway::config {
namespace {

constexpr unsigned kMaxDepth = 32;

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  tl::expected<void, SyntaxError> run() {
    while (next_ < text_.size()) {
      step();
      if (dots_ > kMaxDepth || brackets_ > kMaxDepth) {
        return tl::unexpected(SyntaxError{position(), "nested too deep: allowed are " +
                                                          std::to_string(kMaxDepth) +
                                                          " levels of brackets or dots"});
      }
    }
    return {};
  }

 private:
  void step() {
    const char c = text_[next_];
    switch (c) {
      case '"':
      case '\'':
        skip_string(c);
        return;
      case '#':
        next_ = std::min(text_.find('\n', next_), text_.size());
        return;
      case '.':
        ++dots_;
        break;
      case '[':
      case '{':
        ++brackets_;
        dots_ = 0;
        break;
      case ']':
      case '}':
        brackets_ -= brackets_ > 0 ? 1 : 0;
        dots_ = 0;
        break;
      case '\n':
      case '=':
      case ',':
        dots_ = 0;
        break;
      default:
        break;
    }
    ++next_;
  }

  void skip_string(char quote) {
    const std::string triple(3, quote);
    const bool multi_line = text_.compare(next_, 3, triple) == 0;
    const std::string_view end =
        multi_line ? std::string_view(triple) : std::string_view(&quote, 1);
    next_ += end.size();
    while (next_ < text_.size()) {
      if (text_.compare(next_, end.size(), end) == 0) {
        next_ += end.size();
        return;
      }
      if (text_[next_] == '\n' && !multi_line) {
        return;  // not closed: toml++ stops here
      }
      next_ += text_[next_] == '\\' && quote == '"' ? 2 : 1;
    }
  }

  Position position() const {
    Position position;
    for (const char c : text_.substr(0, next_ - 1)) {
      const bool starts_character = (static_cast<unsigned char>(c) & 0xc0) != 0x80;
      position.column += starts_character ? 1 : 0;
      if (c == '\n') {
        ++position.line;
        position.column = 1;
      }
    }
    return position;
  }

  std::string_view text_;
  std::size_t next_ = 0;
  unsigned dots_ = 0;
  unsigned brackets_ = 0;
};

}  // namespace

tl::expected<void, SyntaxError> check_nesting(std::string_view text) { return Scanner(text).run(); }

}  // namespace guideway::config
