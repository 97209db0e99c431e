// SPDX-License-Identifier: Apache-2.0
#include "guideway/bpf/libbpf_log.h"

#include <bpf/libbpf.h>
#include <spdlog/spdlog.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace guideway::bpf {
namespace {

constexpr std::size_t kMostKept = std::size_t{1} << 16;
constexpr unsigned kQuotedLines = 12;
constexpr std::string_view kVerifierEnd = "-- END PROG LOAD LOG --";

std::string collected;                // NOLINT: libbpf's hook has no context argument
libbpf_print_fn_t earlier = nullptr;  // NOLINT

int collect(libbpf_print_level level, const char* format, va_list arguments) {
  if (level == LIBBPF_DEBUG) return 0;
  char* text = nullptr;
  if (vasprintf(&text, format, arguments) < 0) return 0;
  collected += text;
  if (collected.size() > kMostKept) collected.erase(0, collected.size() - kMostKept);
  spdlog::debug("libbpf: {}", text);
  std::free(text);
  return 0;
}

}  // namespace

LibbpfLog::LibbpfLog() {
  collected.clear();
  earlier = libbpf_set_print(collect);
}

LibbpfLog::~LibbpfLog() { libbpf_set_print(earlier); }

bool LibbpfLog::has_verifier_part() const {
  return collected.find(kVerifierEnd) != std::string::npos;
}

std::string LibbpfLog::quote() const { return last_lines(collected, kQuotedLines); }

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

}  // namespace guideway::bpf
