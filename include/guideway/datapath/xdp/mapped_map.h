// SPDX-License-Identifier: Apache-2.0
// MappedMap<T>: the values of a BPF array map, mapped into memory: no system call per access.
// Threading: as the memory behind it is used.
#ifndef GUIDEWAY_DATAPATH_XDP_MAPPED_MAP_H_
#define GUIDEWAY_DATAPATH_XDP_MAPPED_MAP_H_

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "guideway/base/result.h"

namespace guideway::datapath::xdp {

template <typename T>
class MappedMap {
  static_assert(sizeof(T) % 8 == 0, "array values lie 8-byte aligned, without gaps");

 public:
  MappedMap() = default;
  /// REQUIRES: `fd` is an array map with BPF_F_MMAPABLE and at least `count` values of this size;
  /// it may be closed afterwards.
  static Result<MappedMap> make(int fd, std::size_t count, const std::string& name) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t bytes = (count * sizeof(T) + page - 1) / page * page;
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) return base::fail_errno("cannot map the BPF map " + name, errno);
    MappedMap map;
    map.memory_ = static_cast<T*>(memory);
    map.count_ = count;
    map.bytes_ = bytes;
    return map;
  }
  ~MappedMap() {
    if (memory_) munmap(memory_, bytes_);
  }
  MappedMap(MappedMap&& other) noexcept
      : memory_(std::exchange(other.memory_, nullptr)),
        count_(other.count_),
        bytes_(other.bytes_) {}
  MappedMap& operator=(MappedMap&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(count_, other.count_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }

  std::span<T> values() const { return {memory_, count_}; }
  T& operator[](std::size_t index) const { return memory_[index]; }

 private:
  T* memory_ = nullptr;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace guideway::datapath::xdp

#endif  // GUIDEWAY_DATAPATH_XDP_MAPPED_MAP_H_
