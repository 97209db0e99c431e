// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/dpdk_log.h"

#include <rte_log.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <mutex>
#include <string_view>

namespace guideway::datapath::dpdk {
namespace {

// DPDK's log is one per process, so is its reader.
struct LastComplaint {
  std::mutex mutex;
  std::string text;
};

LastComplaint& last_complaint() {
  static LastComplaint instance;
  return instance;
}

std::string_view trimmed(std::string_view line) {
  const auto first = line.find_first_not_of(" \t\n");
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(" \t\n") - first + 1);
}

ssize_t write_line(void*, const char* text, size_t size) {
  const std::string_view line = trimmed({text, size});
  if (line.empty()) return static_cast<ssize_t>(size);
  if (rte_log_cur_msg_loglevel() <= static_cast<int>(RTE_LOG_WARNING)) {
    spdlog::warn("dpdk: {}", line);
    LastComplaint& last = last_complaint();
    const std::lock_guard lock(last.mutex);
    last.text = line;
  } else {
    spdlog::debug("dpdk: {}", line);
  }
  return static_cast<ssize_t>(size);
}

}  // namespace

void send_dpdk_log_to_ours() {
  cookie_io_functions_t functions{};
  functions.write = write_line;
  // Never closed: DPDK writes to it until the process ends.
  static FILE* stream = fopencookie(nullptr, "w", functions);
  if (!stream) return;
  setlinebuf(stream);
  rte_openlog_stream(stream);
}

std::string recent_dpdk_log() {
  LastComplaint& last = last_complaint();
  const std::lock_guard lock(last.mutex);
  return last.text.empty() ? "no reason given" : last.text;
}

void clear_dpdk_log() {
  LastComplaint& last = last_complaint();
  const std::lock_guard lock(last.mutex);
  last.text.clear();
}

}  // namespace guideway::datapath::dpdk
