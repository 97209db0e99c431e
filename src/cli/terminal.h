// SPDX-License-Identifier: Apache-2.0
// FullScreen: a terminal to draw on, and its keys. Plain escape codes (ECMA-48, xterm's 1049).
// Threading: one thread; one object at a time, as it takes the signals that end a process.
#ifndef GUIDEWAY_CLI_TERMINAL_H_
#define GUIDEWAY_CLI_TERMINAL_H_

#include <termios.h>

#include <chrono>
#include <ostream>
#include <string>

namespace guideway::cli {

class FullScreen {
 public:
  /// Switches standard input to single keys and `out` to its other screen; the destructor switches
  /// back.
  explicit FullScreen(std::ostream& out);
  ~FullScreen();
  FullScreen(const FullScreen&) = delete;
  FullScreen& operator=(const FullScreen&) = delete;

  struct Size {
    std::size_t rows = 24;
    std::size_t columns = 80;
  };
  Size size() const;

  /// Replaces what is shown.
  void draw(const std::string& text);
  /// Waits for a key or for this time. True: q, Ctrl-C, the end of the input, or a signal said to
  /// end.
  bool ends_within(std::chrono::milliseconds time);

 private:
  std::ostream& out_;
  termios before_{};
  bool has_keys_ = false;
};

}  // namespace guideway::cli

#endif  // GUIDEWAY_CLI_TERMINAL_H_
