// SPDX-License-Identifier: Apache-2.0
#include "guideway/base/text.h"

#include <cstdint>

namespace guideway::base {
namespace {

struct CodePoint {
  std::uint32_t value = 0;
  std::size_t size = 0;  // bytes; 0: not UTF-8
};

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

/// The code point at the start of `text`, which is not empty.
CodePoint decode_utf8(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) {
    return {first, 1};
  }
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) {
    return {};
  }
  std::uint32_t value = first & (0x7fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if (!is_continuation(text[i])) {
      return {};
    }
    value = (value << 6) | (static_cast<unsigned char>(text[i]) & 0x3fu);
  }
  constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < kSmallest[size] || value > 0x10ffff || surrogate) {
    return {};
  }
  return {value, size};
}

bool is_harmless(std::uint32_t code_point) {
  const bool control = code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
  const bool line_or_direction = (code_point >= 0x2028 && code_point <= 0x202e) ||
                                 (code_point >= 0x2066 && code_point <= 0x2069) ||
                                 code_point == 0x200e || code_point == 0x200f ||
                                 code_point == 0x061c;
  return !control && !line_or_direction;
}

void append_escaped_byte(std::string& out, char byte) {
  constexpr char kHex[] = "0123456789abcdef";
  const auto value = static_cast<unsigned char>(byte);
  switch (byte) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\\':
      out += "\\\\";
      return;
    default:
      out += {'\\', 'x', kHex[value >> 4], kHex[value & 15]};
  }
}

/// Appends the start of `text`, escaped unless it is harmless or one of `kept`, and returns how
/// many bytes of `text` that was.
std::size_t append_next(std::string& out, std::string_view text, std::string_view kept = {}) {
  const CodePoint next = decode_utf8(text);
  const std::size_t size = next.size == 0 ? 1 : next.size;
  const bool harmless = next.size != 0 && is_harmless(next.value) && next.value != '\\';
  if (harmless || kept.find(text[0]) != std::string_view::npos) {
    out += text.substr(0, size);
    return size;
  }
  for (const char byte : text.substr(0, size)) {
    append_escaped_byte(out, byte);
  }
  return size;
}

}  // namespace

std::string escape_untrusted(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    text.remove_prefix(append_next(out, text));
  }
  return out;
}

std::string escape_controls(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) text.remove_prefix(append_next(out, text, "\n\\"));
  return out;
}

std::string shortened(std::string_view text, std::size_t longest) {
  if (text.size() <= longest) return std::string(text);
  while (longest > 0 && is_continuation(text[longest])) longest--;
  return std::string(text.substr(0, longest)) + "…";
}

std::string quoted(std::string_view text, std::size_t longest) {
  std::string out = "\"";
  while (!text.empty() && out.size() <= longest) {
    text.remove_prefix(append_next(out, text));
  }
  return out + (text.empty() ? "\"" : "…\"");
}

}  // namespace guideway::base
