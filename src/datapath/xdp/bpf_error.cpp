// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/xdp/bpf_error.h"

#include <bpf/libbpf.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cstdarg>
#include <cstdio>
#include <vector>

namespace guideway::datapath::xdp {
namespace {

constexpr std::size_t kMostKept = std::size_t{1} << 16;

std::string last_text;                // NOLINT: libbpf's hook has no context argument
libbpf_print_fn_t earlier = nullptr;  // NOLINT

int keep(libbpf_print_level level, const char* format, va_list arguments) {
  if (level == LIBBPF_DEBUG) return 0;
  va_list again;
  va_copy(again, arguments);
  const int length = std::vsnprintf(nullptr, 0, format, arguments);
  std::vector<char> text(static_cast<std::size_t>(length < 0 ? 0 : length) + 1);
  std::vsnprintf(text.data(), text.size(), format, again);
  va_end(again);
  last_text += text.data();
  if (last_text.size() > kMostKept) last_text.erase(0, last_text.size() - kMostKept);
  spdlog::debug("libbpf: {}", text.data());
  return 0;
}

}  // namespace

LibbpfLog::LibbpfLog() {
  last_text.clear();
  earlier = libbpf_set_print(keep);
}

LibbpfLog::~LibbpfLog() { libbpf_set_print(earlier); }

std::string LibbpfLog::tail(unsigned lines) const {
  std::size_t from = last_text.size();
  while (from > 0 && last_text[from - 1] == '\n') from--;
  const std::size_t end = from;
  for (; from > 0; from--)
    if (last_text[from - 1] == '\n' && lines-- == 1) break;
  return last_text.substr(from, end - from);
}

}  // namespace guideway::datapath::xdp
