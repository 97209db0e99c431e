// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/xdp/pin_store.h"

#include <bpf/bpf.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "guideway/base/file_descriptor.h"
#include "guideway/bpf/kernel.h"

namespace guideway::datapath::xdp {
namespace {

/// The kernel shows the first 15 characters, from letters, digits, '_' and '.'.
std::string map_name(const std::string& what, const std::string& director) {
  std::string name = (what.substr(0, 2) + "_" + director).substr(0, BPF_OBJ_NAME_LEN - 1);
  for (char& c : name)
    if (c == '-') c = '_';
  return name;
}

class PinnedMemory : public StoredMemory {
 public:
  PinnedMemory(base::FileDescriptor fd, void* memory, std::size_t bytes)
      : fd_(std::move(fd)), memory_(memory), bytes_(bytes) {}
  ~PinnedMemory() override { munmap(memory_, bytes_); }
  PinnedMemory(const PinnedMemory&) = delete;
  PinnedMemory& operator=(const PinnedMemory&) = delete;

  std::span<std::byte> bytes() const override { return {static_cast<std::byte*>(memory_), bytes_}; }
  int fd() const override { return fd_.get(); }

 private:
  base::FileDescriptor fd_;
  void* memory_;
  std::size_t bytes_;
};

Result<StoredMemoryPtr> map_whole(base::FileDescriptor fd, std::size_t bytes,
                                  const std::string& name) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (memory == MAP_FAILED) return base::fail_errno("cannot map the BPF map " + name, errno);
  return std::make_unique<PinnedMemory>(std::move(fd), memory, bytes);
}

}  // namespace

Result<StoredMemoryPtr> PinStore::open(const std::string& name, std::size_t unit) {
  auto fd = pins_.get(name);
  if (!fd) return tl::unexpected(fd.error());
  if (!*fd) return StoredMemoryPtr();
  bpf_map_info info{};
  std::uint32_t length = sizeof info;
  if (bpf_obj_get_info_by_fd(fd->get(), &info, &length) != 0)
    return base::fail_errno("the pin " + name + " cannot be looked at", errno);
  if (info.type != BPF_MAP_TYPE_ARRAY || info.key_size != sizeof(std::uint32_t) ||
      info.value_size != unit || info.map_flags != BPF_F_MMAPABLE) {
    return base::fail("the pin " + name + " is a map of another kind");
  }
  return map_whole(std::move(*fd), std::size_t{info.max_entries} * unit, name);
}

Result<StoredMemoryPtr> PinStore::make(const std::string& name, std::size_t bytes,
                                       std::size_t unit) {
  const std::size_t entries = bytes / unit;
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
  base::FileDescriptor fd;
  errno = EOVERFLOW;  // if it is not even tried
  if (entries <= UINT32_MAX) {
    fd = base::FileDescriptor(bpf_map_create(
        BPF_MAP_TYPE_ARRAY, map_name(name, director_).c_str(), sizeof(std::uint32_t),
        static_cast<std::uint32_t>(unit), static_cast<std::uint32_t>(entries), &options));
  }
  if (!fd) {
    if (errno == EPERM) return bpf::no_permission();
    return base::fail_errno("cannot make a BPF map of " + std::to_string(bytes >> 20) +
                                " MB for \"" + name + "\"; lower the [capacity] or add memory",
                            errno);
  }
  return map_whole(std::move(fd), bytes, name);
}

Result<void> PinStore::put(StoredMemory& memory, const std::string& name) {
  return pins_.put(memory.fd(), name);
}

}  // namespace guideway::datapath::xdp
