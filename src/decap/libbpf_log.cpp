// SPDX-License-Identifier: Apache-2.0
#include "libbpf_log.h"

#include <bpf/libbpf.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace guideway::decap {
namespace {

constexpr std::string_view kVerifierEnd = "-- END PROG LOAD LOG --";

// libbpf's hook has no argument of ours.
std::string collected;  // NOLINT

int collect(libbpf_print_level level, const char* format, va_list arguments) {
  if (level == LIBBPF_DEBUG) return 0;
  char* line = nullptr;
  if (vasprintf(&line, format, arguments) < 0) return 0;
  collected += line;
  std::free(line);
  return 0;
}

}  // namespace

LibbpfLog::LibbpfLog() {
  collected.clear();
  libbpf_set_print(collect);
}

LibbpfLog::~LibbpfLog() { libbpf_set_print(nullptr); }

const std::string& LibbpfLog::text() const { return collected; }

std::string last_lines(std::string_view log, unsigned count) {
  if (const auto end = log.find(kVerifierEnd); end != std::string_view::npos) {
    log = log.substr(0, end);
    log = log.substr(0, log.rfind('\n') + 1);
  }
  while (!log.empty() && log.back() == '\n') log.remove_suffix(1);
  std::size_t start = log.size();
  for (unsigned i = 0; i < count && start != std::string_view::npos && start > 0; ++i)
    start = log.rfind('\n', start - 1);
  return std::string(start == std::string_view::npos ? log : log.substr(start + (start > 0)));
}

}  // namespace guideway::decap
