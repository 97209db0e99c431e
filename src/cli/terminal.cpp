// SPDX-License-Identifier: Apache-2.0
#include "terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace guideway::cli {
namespace {

constexpr char kCtrlC = 3;

volatile std::sig_atomic_t ended = 0;

void on_signal(int) { ended = 1; }

/// Those that would leave the terminal as it is now.
void take_signals(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;  // without SA_RESTART: poll() ends
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaction(number, &action, nullptr);
}

}  // namespace

FullScreen::FullScreen(std::ostream& out) : out_(out) {
  ended = 0;
  take_signals(on_signal);
  has_keys_ = tcgetattr(STDIN_FILENO, &before_) == 0;
  if (has_keys_) {
    termios keys = before_;
    keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    tcsetattr(STDIN_FILENO, TCSANOW, &keys);
  }
  out_ << "\x1b[?1049h\x1b[?25l" << std::flush;  // the other screen, no cursor
}

FullScreen::~FullScreen() {
  out_ << "\x1b[?25h\x1b[?1049l" << std::flush;
  if (has_keys_) tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  take_signals(SIG_DFL);
}

FullScreen::Size FullScreen::size() const {
  winsize window{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_row == 0 || window.ws_col == 0)
    return {};
  return {window.ws_row, window.ws_col};
}

void FullScreen::draw(const std::string& text) {
  // Each line over the old one, so that nothing flickers; then what is left below.
  std::string lines = "\x1b[H";
  for (const char byte : text) lines += byte == '\n' ? "\x1b[K\r\n" : std::string(1, byte);
  out_ << lines << "\x1b[K\x1b[J" << std::flush;
}

bool FullScreen::ends_within(std::chrono::milliseconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    if (ended != 0) return true;
    if (left.count() <= 0) return false;
    pollfd input{STDIN_FILENO, POLLIN, 0};
    // Without keys, as in the background of a shell, only signals and the time end it.
    const int ready = poll(&input, has_keys_ ? 1 : 0, static_cast<int>(left.count()));
    if (ready <= 0) continue;
    char key = 0;
    const ssize_t size = read(STDIN_FILENO, &key, 1);
    if (size == 0 || (size < 0 && errno != EINTR) || key == 'q' || key == 'Q' || key == kCtrlC)
      return true;
  }
}

}  // namespace guideway::cli
