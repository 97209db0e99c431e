// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/dpdk_log.h"

#include <rte_log.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdio>
#include <mutex>
#include <string_view>

#include "guideway/base/log_limit.h"

namespace guideway::datapath::dpdk {
namespace {

// DPDK's log is one per process, so is its reader.
struct Kept {
  std::mutex mutex;
  bool keeping = false;
  std::string first;
};

Kept& kept() {
  static Kept instance;
  return instance;
}

/// Whether somebody takes the complaint for an error message.
bool keep(std::string_view complaint) {
  const std::lock_guard lock(kept().mutex);
  if (kept().keeping && kept().first.empty()) kept().first = complaint;
  return kept().keeping;
}

/// A driver may complain of each packet.
base::LogLimit& complaint_limit() {
  static base::LogLimit limit(10, std::chrono::seconds(1));
  return limit;
}

std::string_view trimmed(std::string_view line) {
  const auto first = line.find_first_not_of(" \t\n");
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(" \t\n") - first + 1);
}

ssize_t write_line(void*, const char* text, size_t size) {
  const std::string_view line = trimmed({text, size});
  if (line.empty()) return static_cast<ssize_t>(size);
  const bool complaint = rte_log_cur_msg_loglevel() <= static_cast<int>(RTE_LOG_WARNING);
  if (!complaint || keep(line)) {
    spdlog::debug("dpdk: {}", line);
  } else if (const auto left_out = complaint_limit().allow()) {
    spdlog::warn("dpdk: {}{}", line, *left_out);
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

DpdkComplaints::DpdkComplaints() {
  const std::lock_guard lock(kept().mutex);
  kept().keeping = true;
  kept().first.clear();
}

DpdkComplaints::~DpdkComplaints() {
  const std::lock_guard lock(kept().mutex);
  kept().keeping = false;
}

std::string DpdkComplaints::first() const {
  const std::lock_guard lock(kept().mutex);
  return kept().first.empty() ? "no reason given" : kept().first;
}

}  // namespace guideway::datapath::dpdk
