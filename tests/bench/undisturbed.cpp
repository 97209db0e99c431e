// SPDX-License-Identifier: Apache-2.0
#include "undisturbed.h"

#include <unistd.h>

#include <fstream>
#include <string>

namespace guideway::bench {
namespace {

// The columns of proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal.
constexpr int kStealColumn = 8;

}  // namespace

std::chrono::milliseconds stolen_time() {
  std::ifstream file("/proc/stat");
  std::string name;
  file >> name;
  long long ticks = 0;
  for (int column = 1; column <= kStealColumn && file; column++) file >> ticks;
  return std::chrono::milliseconds(file ? ticks * 1000 / sysconf(_SC_CLK_TCK) : 0);
}

bool is_too_much(std::chrono::milliseconds stolen, std::chrono::milliseconds elapsed) {
  return stolen > elapsed / 100;
}

}  // namespace guideway::bench
