// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/eal.h"

#include <pthread.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "guideway/datapath/dpdk/dpdk_log.h"
#include "guideway/datapath/dpdk/huge_pages.h"
#include "guideway/datapath/dpdk/thread.h"

namespace guideway::datapath::dpdk {
namespace {

std::vector<unsigned> affinity_of_this_thread() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<unsigned> cpus;
  if (pthread_getaffinity_np(pthread_self(), sizeof set, &set) != 0) return {0};
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

/// Where the control threads run: off the workers' CPUs if that leaves any.
std::vector<unsigned> control_cpus(const std::vector<unsigned>& allowed,
                                   const std::vector<unsigned>& workers) {
  std::vector<unsigned> rest;
  for (unsigned cpu : allowed) {
    if (std::find(workers.begin(), workers.end(), cpu) == workers.end()) rest.push_back(cpu);
  }
  return rest.empty() ? allowed : rest;
}

void move_this_thread_to(const std::vector<unsigned>& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (unsigned cpu : cpus) CPU_SET(cpu, &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

std::string join(const std::vector<unsigned>& numbers) {
  std::string text;
  for (unsigned number : numbers) text += (text.empty() ? "" : ",") + std::to_string(number);
  return text;
}

/// EAL makes an empty directory even when told to keep no files. Removes it, and its parent if that
/// is empty too.
void remove_runtime_directory() {
  std::error_code ignored;
  const std::filesystem::path directory = rte_eal_get_runtime_dir();
  std::filesystem::remove(directory, ignored);
  std::filesystem::remove(directory.parent_path(), ignored);
}

Result<void> run_eal_init(std::vector<std::string> arguments) {
  // EAL keeps pointers into its arguments.
  static std::vector<std::string> kept;
  static std::vector<char*> pointers;
  kept = std::move(arguments);
  for (std::string& argument : kept) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const DpdkComplaints complaints;
  const SignalsBlocked blocked;  // EAL's threads inherit it
  if (rte_eal_init(static_cast<int>(kept.size()), pointers.data()) < 0) {
    std::string message = "DPDK's environment did not start (" + complaints.first() +
                          "); look at director.eal_arguments and at the log";
    return base::fail_errno(message, rte_errno);
  }
  remove_runtime_directory();
  return {};
}

}  // namespace

std::vector<unsigned> allowed_cpus() {
  // Asked for before EAL pins the control thread.
  static const std::vector<unsigned> cpus = affinity_of_this_thread();
  return cpus;
}

std::vector<std::string> eal_arguments(const EalOptions& options, bool huge_pages,
                                       const std::vector<unsigned>& allowed) {
  // Workers are threads of our own, so EAL gets one lcore only: the control thread, on its CPUs.
  std::vector<std::string> arguments = {
      "guidewayd",
      "--lcores",
      "0@(" + join(control_cpus(allowed, options.worker_cpus)) + ")",
      "--no-telemetry",
      "--file-prefix",
      options.director + "-" + std::to_string(getpid()),
  };
  if (huge_pages) {
    arguments.push_back("--in-memory");
  } else {
    const std::string memory = std::to_string(options.memory_mb);
    arguments.insert(arguments.end(), {"--no-huge", "--no-shconf", "-m", memory});
  }
  if (options.pci_addresses.empty()) arguments.push_back("--no-pci");
  for (const std::string& address : options.pci_addresses) {
    arguments.insert(arguments.end(), {"-a", address});
  }
  arguments.insert(arguments.end(), options.extra_arguments.begin(), options.extra_arguments.end());
  return arguments;
}

Result<EalMemory> start_eal(const EalOptions& options) {
  // One per process, as EAL is: rte_eal_init() works once, also when it fails.
  static std::optional<Result<EalMemory>> started;
  if (started) return *started;
  const std::vector<unsigned> allowed = allowed_cpus();
  send_dpdk_log_to_ours();
  const HugePages pages = options.huge_pages == HugePageUse::kNever
                              ? HugePages{false, "no huge pages: not asked for"}
                              : probe_huge_pages(options.memory_mb);
  // EAL derives the CPUs of its own threads from those of the caller.
  move_this_thread_to(control_cpus(allowed, options.worker_cpus));
  auto done = run_eal_init(eal_arguments(options, pages.enough, allowed));
  if (done) {
    started = EalMemory{pages.enough, pages.description};
  } else {
    started = tl::unexpected(done.error());
  }
  return *started;
}

}  // namespace guideway::datapath::dpdk
