// SPDX-License-Identifier: Apache-2.0
#include "pages.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>

namespace guideway::bench {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

/// Bytes of this process on transparent huge pages.
std::size_t transparent_bytes() {
  std::ifstream file("/proc/self/smaps_rollup");
  std::string word;
  while (file >> word) {
    std::size_t kilobytes = 0;
    if (word == "AnonHugePages:" && file >> kilobytes) return kilobytes << 10;
  }
  return 0;
}

void* map(std::size_t bytes, int flags) {
  return mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

/// Like map(), on a 2 MB boundary, which kernels before 6.7 do not choose by themselves.
void* map_aligned(std::size_t bytes) {
  void* data = map(bytes + kHugePage, 0);
  if (data == MAP_FAILED) return data;
  auto* start = static_cast<std::byte*>(data);
  const std::size_t head =
      (kHugePage - reinterpret_cast<std::uintptr_t>(start) % kHugePage) % kHugePage;
  if (head != 0) munmap(start, head);
  munmap(start + head + bytes, kHugePage - head);
  return start + head;
}

}  // namespace

const char* name_of(PageKind kind) {
  switch (kind) {
    case PageKind::kHuge:
      return "huge";
    case PageKind::kTransparent:
      return "transparent";
    case PageKind::kSmall:
      break;
  }
  return "small";
}

Result<Pages> Pages::allocate(std::size_t bytes, PageKind largest) {
  bytes = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  if (largest == PageKind::kHuge) {
    void* data = map(bytes, MAP_HUGETLB | MAP_POPULATE);
    if (data != MAP_FAILED) return Pages(data, bytes, PageKind::kHuge);
  }
  void* data = map_aligned(bytes);
  if (data == MAP_FAILED)
    return base::fail_errno("no memory for " + std::to_string(bytes >> 20) + " MB", errno);
  const std::size_t before = transparent_bytes();
  madvise(data, bytes, largest == PageKind::kSmall ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
  std::memset(data, 0, bytes);
  const bool transparent = transparent_bytes() - before >= bytes;
  return Pages(data, bytes, transparent ? PageKind::kTransparent : PageKind::kSmall);
}

Pages::Pages(Pages&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(other.bytes_), kind_(other.kind_) {}

Pages::~Pages() {
  if (data_ != nullptr) munmap(data_, bytes_);
}

}  // namespace guideway::bench
