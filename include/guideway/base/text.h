// SPDX-License-Identifier: Apache-2.0
// Making text from elsewhere (files, packets, probe answers, admin clients) safe to show.
// Threading: no state.
#ifndef GUIDEWAY_BASE_TEXT_H_
#define GUIDEWAY_BASE_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace guideway::base {

/// The text with everything visible that a terminal or a log reader could act on: control
/// characters (C0, DEL, C1, the Unicode line separators and direction marks), bytes that are not
/// UTF-8, and the backslash itself. "\n" becomes \n, other bytes \xNN. The result is one line of
/// valid UTF-8.
std::string escape_untrusted(std::string_view text);

/// The last line of defence for text that may be made of escaped and of our own: as above, but
/// newlines and backslashes stay, so that escaping twice changes nothing.
std::string escape_controls(std::string_view text);

/// The text, or as much of its start as `longest` bytes hold in whole UTF-8 characters, and "…".
std::string shortened(std::string_view text, std::size_t longest);

/// "text" in double quotes, escaped, cut to about `longest` bytes, for error messages.
std::string quoted(std::string_view text, std::size_t longest = 80);

}  // namespace guideway::base

#endif  // GUIDEWAY_BASE_TEXT_H_
