// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/huge_pages.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace guideway::datapath::dpdk {
namespace {

struct Size {
  std::size_t mb;
  int log2;
  const char* name;
};
constexpr Size kSizes[] = {{2, 21, "2 MB"}, {1024, 30, "1 GB"}};

std::size_t free_pages(const Size& size) {
  std::ifstream file("/sys/kernel/mm/hugepages/hugepages-" + std::to_string(size.mb * 1024) +
                     "kB/free_hugepages");
  std::size_t count = 0;
  file >> count;
  return file ? count : 0;
}

std::size_t pages_for(std::size_t memory_mb, const Size& size) {
  return (memory_mb + size.mb - 1) / size.mb;
}

/// Reserves the pages for a moment: the only way to know about limits and permissions too.
bool can_map(std::size_t pages, const Size& size) {
  const std::size_t bytes = pages << size.log2;
  void* memory =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | (size.log2 << MAP_HUGE_SHIFT), -1, 0);
  if (memory == MAP_FAILED) return false;
  munmap(memory, bytes);
  return true;
}

}  // namespace

HugePages probe_huge_pages(std::size_t memory_mb) {
  std::string refusal;
  for (const Size& size : kSizes) {
    const std::size_t pages = pages_for(memory_mb, size);
    if (free_pages(size) < pages) continue;
    if (can_map(pages, size)) return {true, std::string("huge pages (") + size.name + ")"};
    refusal = std::string("the kernel refuses them (") + std::strerror(errno) +
              "): others have reserved them, or the hugetlb limit of this cgroup is lower; more by "
              "`sysctl vm.nr_hugepages=N`";
  }
  if (refusal.empty()) {
    refusal = std::to_string(free_pages(kSizes[0])) + " of " +
              std::to_string(pages_for(memory_mb, kSizes[0])) +
              " pages of 2 MB are free; more by `sysctl vm.nr_hugepages=N`";
  }
  return {false, "no huge pages: " + refusal};
}

}  // namespace guideway::datapath::dpdk
