// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/file_store.h"

#include <fcntl.h>
#include <mntent.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>

#include "guideway/base/file_descriptor.h"
#include "guideway/base/round_up.h"
#include "guideway/datapath/nat_store.h"

namespace guideway::datapath {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
/// Below this a huge page would be mostly empty.
constexpr std::size_t kWorthHugePages = kHugePage;
constexpr const char* kNew = ".new";

class MappedFile : public StoredMemory {
 public:
  MappedFile(std::string path, void* memory, std::size_t bytes, std::size_t mapped,
             std::string pages)
      : path_(std::move(path)),
        memory_(memory),
        bytes_(bytes),
        mapped_(mapped),
        pages_(std::move(pages)) {}
  ~MappedFile() override {
    munmap(memory_, mapped_);
    if (is_temporary_) unlink(temporary().c_str());
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<std::byte> bytes() const override { return {static_cast<std::byte*>(memory_), bytes_}; }
  std::string pages() const override { return pages_; }
  const std::string& path() const { return path_; }
  std::string temporary() const { return path_ + kNew; }
  /// It is under its temporary name, and goes with this object if it stays there.
  void set_temporary(bool is_temporary) { is_temporary_ = is_temporary; }

 private:
  const std::string path_;
  void* const memory_;
  const std::size_t bytes_;
  const std::size_t mapped_;
  const std::string pages_;
  bool is_temporary_ = false;
};

Result<void> make_own_directory(const std::string& path) {
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return base::fail_errno("cannot make the directory " + path, errno);
  struct stat facts {};
  if (lstat(path.c_str(), &facts) != 0) return base::fail_errno(path, errno);
  if (!S_ISDIR(facts.st_mode) || facts.st_uid != geteuid() ||
      (facts.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return base::fail(path +
                      " is not trusted: it must be a directory that belongs to this user and that "
                      "nobody else may write; remove it, or correct its owner and mode");
  }
  return {};
}

/// Where a file lies.
enum class Place { kHugePages, kBesideHugePages, kNoHugePages };

/// Of a file in the directory, with this place for huge pages or none.
Place beside(const std::string& huge) {
  return huge.empty() ? Place::kNoHugePages : Place::kBesideHugePages;
}

/// In `place` a file has whole pages.
std::size_t size_in(Place place, std::size_t bytes) {
  return place == Place::kHugePages ? base::round_up(bytes, kHugePage) : bytes;
}

std::string pages_of(Place place, std::size_t bytes) {
  if (place == Place::kHugePages) return "huge pages (2 MB)";
  if (bytes < kWorthHugePages) return "small pages, since it is smaller than a huge one";
  if (place == Place::kNoHugePages)
    return "small pages, since no hugetlbfs of 2 MB pages is mounted";
  return "small pages, since too few huge ones were free when it was made";
}

Result<std::unique_ptr<MappedFile>> map_file(int fd, const std::string& path, std::size_t bytes,
                                             Place place) {
  const std::size_t mapped = size_in(place, bytes);
  // Populated at once: a file system that runs full later would end the process by SIGBUS.
  void* memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
  if (memory == MAP_FAILED) return base::fail_errno("cannot map " + path, errno);
  return std::make_unique<MappedFile>(path, memory, bytes, mapped, pages_of(place, bytes));
}

Result<StoredMemoryPtr> make_file(const std::string& path, std::size_t bytes, Place place) {
  const std::string temporary = path + kNew;
  unlink(temporary.c_str());
  const base::FileDescriptor fd(
      open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return base::fail_errno("cannot make " + temporary, errno);
  const auto size = static_cast<off_t>(size_in(place, bytes));
  const int error = posix_fallocate(fd.get(), 0, size);
  Result<std::unique_ptr<MappedFile>> memory =
      error == 0 ? map_file(fd.get(), path, bytes, place)
                 : base::fail_errno("no room for " + std::to_string(bytes >> 20) + " MB in " +
                                        path + "; lower the [capacity]",
                                    error);
  if (!memory) {
    unlink(temporary.c_str());
    return tl::unexpected(memory.error());
  }
  (*memory)->set_temporary(true);
  return std::move(*memory);
}

/// Null when there is no such file.
Result<StoredMemoryPtr> open_file(const std::string& path, std::size_t unit, Place place) {
  const base::FileDescriptor fd(open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) {
    if (errno == ENOENT) return StoredMemoryPtr();
    return base::fail_errno("cannot open " + path, errno);
  }
  struct stat facts {};
  if (fstat(fd.get(), &facts) != 0 || !S_ISREG(facts.st_mode) || facts.st_uid != geteuid() ||
      (facts.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return base::fail(path + " is not a file of this user's with mode 0600");
  }
  const auto bytes = static_cast<std::size_t>(facts.st_size);
  if (bytes == 0 || (place != Place::kHugePages && bytes % unit != 0))
    return base::fail(path + " has a wrong size");
  return map_file(fd.get(), path, bytes / unit * unit, place);
}

}  // namespace

Result<FileStore> FileStore::open_directory(const std::string& directory,
                                            const std::string& director, const std::string& huge) {
  if (auto made = make_own_directory(directory); !made) return tl::unexpected(made.error());
  FileStore store(directory, "");
  const std::string own_huge = huge + "/guideway-" + director;
  if (!huge.empty() && make_own_directory(own_huge)) store.huge_ = own_huge;
  return store;
}

std::string FileStore::find_huge_mount() {
  const std::unique_ptr<FILE, int (*)(FILE*)> mounts(setmntent("/proc/self/mounts", "r"),
                                                     endmntent);
  while (mntent* entry = mounts ? getmntent(mounts.get()) : nullptr) {
    const std::string_view options = entry->mnt_opts;
    const bool other_size = options.find("pagesize=") != std::string_view::npos &&
                            options.find("pagesize=2M") == std::string_view::npos;
    if (std::string_view(entry->mnt_type) == "hugetlbfs" && !other_size) return entry->mnt_dir;
  }
  return "";
}

bool FileStore::contains(const std::string& name) const {
  const auto is_there = [](const std::string& path) {
    struct stat facts {};
    return lstat(path.c_str(), &facts) == 0 || errno != ENOENT;
  };
  return is_there(directory_ + "/" + name) || (!huge_.empty() && is_there(huge_ + "/" + name));
}

Result<StoredMemoryPtr> FileStore::open(const std::string& name, std::size_t unit) {
  auto small = open_file(directory_ + "/" + name, unit, beside(huge_));
  if (!small || *small || huge_.empty()) return small;
  return open_file(huge_ + "/" + name, unit, Place::kHugePages);
}

Result<StoredMemoryPtr> FileStore::make(const std::string& name, std::size_t bytes, std::size_t) {
  if (!huge_.empty() && bytes >= kWorthHugePages) {
    auto memory = make_file(huge_ + "/" + name, bytes, Place::kHugePages);
    if (memory) return memory;
  }
  return make_file(directory_ + "/" + name, bytes, beside(huge_));
}

Result<void> FileStore::put(StoredMemory& memory, const std::string& name) {
  auto& file = static_cast<MappedFile&>(memory);
  const std::string& path = file.path();
  if (std::rename(file.temporary().c_str(), path.c_str()) != 0)
    return base::fail_errno("cannot put " + path + " in place", errno);
  file.set_temporary(false);
  // The other place's file, if any, is an older one.
  const std::string small = directory_ + "/" + name;
  const std::string large = huge_ + "/" + name;
  if (path != small) unlink(small.c_str());
  if (path != large && !huge_.empty()) unlink(large.c_str());
  return {};
}

void FileStore::remove(const std::string& name) {
  unlink((directory_ + "/" + name).c_str());
  if (!huge_.empty()) unlink((huge_ + "/" + name).c_str());
}

void FileStore::remove_all() {
  for (const char* name : {FlowStore::kFlows, FlowStore::kKept, NatStore::kNat}) remove(name);
  rmdir(directory_.c_str());
  // It was made for us if it was missing; while others' tables lie in it, it stays.
  rmdir(std::filesystem::path(directory_).parent_path().c_str());
  if (!huge_.empty()) rmdir(huge_.c_str());
}

bool FileStore::remove_director(const std::string& flow_dir, const std::string& director) {
  const std::string directory = flow_dir + "/" + director;
  const std::string mount = find_huge_mount();
  const bool there = access((directory + "/" + FlowStore::kKept).c_str(), F_OK) == 0;
  FileStore(directory, mount.empty() ? "" : mount + "/guideway-" + director).remove_all();
  return there;
}

}  // namespace guideway::datapath
