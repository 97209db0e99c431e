// SPDX-License-Identifier: Apache-2.0
#include "guideway/control/state_dir.h"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/crc.hpp>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <utility>

#include "guideway/base/replace_file.h"

namespace guideway::control {
namespace {

constexpr const char* kSeedFile = "hash_seed";
constexpr int kVersion = 1;
constexpr std::size_t kMostBytes = std::size_t{64} << 20;

Result<void> check_owner_and_mode(int fd, const std::string& path) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return base::fail_errno(path, errno);
  if (status.st_uid != geteuid() || (status.st_mode & 022) != 0)
    return base::fail(path +
                      ": belongs to somebody else or is writable by others; make it the daemon's "
                      "own with mode 0700");
  return {};
}

/// `shown`: the name for people.
Result<void> replace_file(int dir, const std::string& file, std::string_view bytes,
                          const std::string& shown) {
  if (const int error = base::replace_file(dir, file, bytes); error != 0)
    return base::fail_errno(shown + ": cannot write it", error);
  return {};
}

std::uint32_t checksum_of(std::string_view content) {
  boost::crc_32_type crc;
  crc.process_bytes(content.data(), content.size());
  return crc.checksum();
}

/// "guideway-state 1 LENGTH CHECKSUM\n".
std::string header_of(std::string_view content) {
  return fmt::format("guideway-state {} {} {:08x}\n", kVersion, content.size(),
                     checksum_of(content));
}

}  // namespace

StateDir::StateDir(base::FileDescriptor fd, std::string path)
    : fd_(std::move(fd)), path_(std::move(path)) {}

Result<StateDir> StateDir::open(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  std::error_code error;
  if (!parent.empty()) std::filesystem::create_directories(parent, error);
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return base::fail_errno("state_dir " + path + ": cannot create it (is guidewayd run as root?)",
                            errno);
  StateDir dir(
      base::FileDescriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)),
      path);
  if (!dir.fd_) return base::fail_errno("state_dir " + path + ": cannot open it", errno);
  if (auto checked = check_owner_and_mode(dir.fd_.get(), "state_dir " + path); !checked)
    return tl::unexpected(checked.error());
  if (flock(dir.fd_.get(), LOCK_EX | LOCK_NB) != 0)
    return base::fail("state_dir " + path +
                      ": another guidewayd uses it; stop that one, or give this one its own "
                      "director.name and director.state_dir");
  return dir;
}

Result<model::HashSeed> StateDir::hash_seed() const {
  const std::string name = path_ + "/" + kSeedFile;
  model::HashSeed seed{};
  const base::FileDescriptor existing(
      openat(fd_.get(), kSeedFile, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (existing) {
    if (auto checked = check_owner_and_mode(existing.get(), name); !checked)
      return tl::unexpected(checked.error());
    char extra = 0;
    if (read(existing.get(), seed.data(), seed.size()) != static_cast<ssize_t>(seed.size()) ||
        read(existing.get(), &extra, 1) != 0)
      return base::fail(name +
                        ": is not a seed of 16 bytes; restore it, or remove it to have a new one "
                        "made (flows may then change their backend)");
    return seed;
  }
  if (errno != ENOENT) return base::fail_errno(name + ": cannot read it", errno);

  if (getrandom(seed.data(), seed.size(), 0) != static_cast<ssize_t>(seed.size()))
    return base::fail_errno("getrandom", errno);
  const std::string_view bytes(reinterpret_cast<const char*>(seed.data()), seed.size());
  if (auto written = replace_file(fd_.get(), kSeedFile, bytes, name); !written)
    return tl::unexpected(written.error());
  return seed;
}

Result<std::string> StateDir::read_checked(int fd, const std::string& name) const {
  if (auto checked = check_owner_and_mode(fd, name); !checked)
    return tl::unexpected(checked.error());
  struct stat status {};
  if (fstat(fd, &status) != 0) return base::fail_errno(name + ": cannot read it", errno);
  // One byte more than it has: a file that grows meanwhile is noticed.
  const auto most = std::min(static_cast<std::size_t>(status.st_size), kMostBytes);
  std::string text(most + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = read(fd, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::fail_errno(name + ": cannot read it", errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > most) return base::fail(name + ": is too large");
  text.resize(size);
  const std::size_t end = text.find('\n');
  if (end == std::string::npos) return base::fail(name + ": has no first line");
  std::string content = text.substr(end + 1);
  if (text.compare(0, end + 1, header_of(content)) != 0)
    return base::fail(name + ": its first line does not agree with what follows");
  return content;
}

Result<std::string> StateDir::load(const std::string& name) const {
  const std::string shown = path_ + "/" + name;
  const base::FileDescriptor file(
      openat(fd_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file && errno == ENOENT) return std::string();
  auto content = file ? read_checked(file.get(), shown)
                      : Result<std::string>(base::fail_errno(shown + ": cannot read it", errno));
  if (content) return content;
  renameat(fd_.get(), name.c_str(), fd_.get(), (name + ".bad").c_str());
  return base::fail(content.error().message + "; set aside as " + name + ".bad");
}

Result<void> StateDir::save(const std::string& name, std::string_view content) const {
  return replace_file(fd_.get(), name, header_of(content) + std::string(content),
                      path_ + "/" + name);
}

}  // namespace guideway::control
