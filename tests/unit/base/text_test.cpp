// SPDX-License-Identifier: Apache-2.0
#include "guideway/base/text.h"

#include <gtest/gtest.h>

namespace guideway::base {
namespace {

using namespace std::string_view_literals;

TEST(EscapeUntrusted, LeavesVisibleTextAlone) {
  EXPECT_EQ(escape_untrusted(""), "");
  EXPECT_EQ(escape_untrusted("GET /x HTTP/1.1 \"~\""), "GET /x HTTP/1.1 \"~\"");
  EXPECT_EQ(escape_untrusted("Zürich 東京 🙂"), "Zürich 東京 🙂");
}

TEST(EscapeUntrusted, ShowsControlCharacters) {
  EXPECT_EQ(escape_untrusted("a\nb\r\tc"), "a\\nb\\r\\tc");
  EXPECT_EQ(escape_untrusted("\x1b[2J\x07\x7f\0"sv), "\\x1b[2J\\x07\\x7f\\x00");
  EXPECT_EQ(escape_untrusted("\u009b"), "\\xc2\\x9b");  // the one-character form of ESC [
}

TEST(EscapeUntrusted, ShowsDirectionMarksAndLineSeparators) {
  EXPECT_EQ(escape_untrusted("a\u202eb"), "a\\xe2\\x80\\xaeb");
  EXPECT_EQ(escape_untrusted("\u2028"), "\\xe2\\x80\\xa8");
  EXPECT_EQ(escape_untrusted("\u2066"), "\\xe2\\x81\\xa6");
}

TEST(EscapeUntrusted, IsUnambiguous) { EXPECT_EQ(escape_untrusted("\\n\n"), "\\\\n\\n"); }

TEST(EscapeUntrusted, ShowsBytesThatAreNotUtf8) {
  EXPECT_EQ(escape_untrusted("\xff\xfe"), "\\xff\\xfe");
  EXPECT_EQ(escape_untrusted("\xc3"), "\\xc3");           // truncated
  EXPECT_EQ(escape_untrusted("\xc0\xaf"), "\\xc0\\xaf");  // overlong "/"
  EXPECT_EQ(escape_untrusted("\xe0\x80\xaf"), "\\xe0\\x80\\xaf");
  EXPECT_EQ(escape_untrusted("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // surrogate
  EXPECT_EQ(escape_untrusted("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(escape_untrusted("\xe2\x82"
                             "A"),
            "\\xe2\\x82"
            "A");
}

TEST(EscapeControls, LeavesEscapedTextAsItIs) {
  const std::string escaped = escape_untrusted("a\x1b[2J\\b\xff");
  EXPECT_EQ(escape_controls(escaped), escaped);
  EXPECT_EQ(escape_controls("ours:\nnext line \x1b[2J\r\x7f"), "ours:\nnext line \\x1b[2J\\r\\x7f");
}

TEST(Shortened, CutsBetweenCharacters) {
  EXPECT_EQ(shortened("short", 5), "short");
  EXPECT_EQ(shortened("shorter", 5), "short…");
  EXPECT_EQ(shortened("aéé", 2), "a…");  // é has two bytes
  EXPECT_EQ(shortened("aéé", 3), "aé…");
  EXPECT_EQ(shortened("\xbf\xbf\xbf", 1), "…");
}

TEST(Quoted, EscapesAndCuts) {
  EXPECT_EQ(quoted("a\n"), "\"a\\n\"");
  const std::string cut = quoted(std::string(1000, 'x'), 10);
  EXPECT_EQ(cut, "\"xxxxxxxxxx…\"");
}

}  // namespace
}  // namespace guideway::base
