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
#include <tuple>
#include <utility>

#include "guideway/base/replace_file.h"

namespace guideway::control {
namespace {

constexpr const char* kSeedFile = "hash_seed";
constexpr std::string_view kHeaderWord = "guideway-state";
constexpr int kVersion = 1;
constexpr std::size_t kMostBytes = std::size_t{64} << 20;

/// Returns its mode. What others could write may be anybody's words.
Result<mode_t> check_owner(int fd, const std::string& path) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return base::fail_errno(path, errno);
  if (status.st_uid != geteuid() || (status.st_mode & 022) != 0)
    return base::fail(path +
                      ": belongs to somebody else or is writable by others; make it the daemon's "
                      "own with mode 0700");
  return status.st_mode;
}

/// Guideway's state has no directories in it; /var/lib, which somebody may name by mistake, has.
bool holds_directories(const std::string& path) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(path, ignored))
    if (entry.is_directory(ignored)) return true;
  return false;
}

/// What others could only read is ours still, and from now on ours alone.
Result<void> close_to_others(int fd, mode_t mode, const std::string& path) {
  if ((mode & 077) == 0) return {};
  if (fchmod(fd, mode & 0700) != 0)
    return base::fail_errno(path + ": others may read it, and that cannot be taken from them",
                            errno);
  spdlog::warn(
      "{}: others were allowed to read it, and are not any more; if somebody may have read "
      "hash_seed, have a new one made (flows may then change their backend)",
      path);
  return {};
}

Result<void> check_owner_and_mode(int fd, const std::string& path) {
  const auto mode = check_owner(fd, path);
  return mode ? close_to_others(fd, *mode, path) : tl::unexpected(mode.error());
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
  return fmt::format("{} {} {} {:08x}\n", kHeaderWord, kVersion, content.size(),
                     checksum_of(content));
}

std::string_view bytes_of(const model::HashSeed& seed) {
  return {reinterpret_cast<const char*>(seed.data()), seed.size()};
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
  const auto mode = check_owner(dir.fd_.get(), "state_dir " + path);
  if (!mode) return tl::unexpected(mode.error());
  if ((*mode & 077) != 0 && holds_directories(path))
    return base::fail(
        "state_dir " + path +
        ": others may read it, and there is more in it than guidewayd's state; name a "
        "directory of its own");
  if (auto closed = close_to_others(dir.fd_.get(), *mode, "state_dir " + path); !closed)
    return tl::unexpected(closed.error());
  if (flock(dir.fd_.get(), LOCK_EX | LOCK_NB) != 0)
    return base::fail("state_dir " + path +
                      ": another guidewayd uses it; stop that one, or give this one its own "
                      "director.name and director.state_dir");
  return dir;
}

Result<model::HashSeed> StateDir::hash_seed() const {
  const std::string name = path_ + "/" + kSeedFile;
  const base::FileDescriptor existing(
      openat(fd_.get(), kSeedFile, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (existing) return read_seed(existing.get(), name);
  if (errno != ENOENT) return base::fail_errno(name + ": cannot read it", errno);

  model::HashSeed seed{};
  if (getrandom(seed.data(), seed.size(), 0) != static_cast<ssize_t>(seed.size()))
    return base::fail_errno("getrandom", errno);
  if (auto saved = save(kSeedFile, bytes_of(seed)); !saved) return tl::unexpected(saved.error());
  return seed;
}

Result<model::HashSeed> StateDir::read_seed(int fd, const std::string& name) const {
  if (auto checked = check_owner_and_mode(fd, name); !checked)
    return tl::unexpected(checked.error());
  // One byte more than the old form has.
  std::string old(std::tuple_size_v<model::HashSeed> + 1, '\0');
  const ssize_t size = pread(fd, old.data(), old.size(), 0);
  old.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  const bool is_old =
      old.size() == std::tuple_size_v<model::HashSeed> && !old.starts_with(kHeaderWord);
  const auto content = is_old ? Result<std::string>(old) : read_checked(fd, name);
  if (!content || content->size() != std::tuple_size_v<model::HashSeed>)
    return base::fail((content ? name : content.error().message) +
                      ": is not a seed of 16 bytes; restore it, or remove it to have a new one "
                      "made (flows may then change their backend)");
  model::HashSeed seed{};
  std::copy(content->begin(), content->end(), reinterpret_cast<char*>(seed.data()));
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

Result<void> StateDir::set_aside(const std::string& name) const {
  const std::string bad = name + ".bad";
  unlinkat(fd_.get(), bad.c_str(), 0);
  // save() puts another file in its place.
  if (linkat(fd_.get(), name.c_str(), fd_.get(), bad.c_str(), 0) != 0)
    return base::fail_errno(path_ + "/" + bad + ": cannot keep what is damaged", errno);
  return {};
}

}  // namespace guideway::control
