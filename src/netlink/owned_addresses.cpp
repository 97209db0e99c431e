// SPDX-License-Identifier: Apache-2.0
#include "guideway/netlink/owned_addresses.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <optional>
#include <sstream>
#include <utility>

#include "guideway/base/replace_file.h"

namespace guideway::netlink {
namespace {

constexpr const char* kFile = "owned_addresses";
constexpr const char* kNewFile = "owned_addresses.new";
constexpr const char* kDamagedFile = "owned_addresses.damaged";
constexpr const char* kFirstLine = "guideway-owned-addresses 1";

/// Far beyond what the largest configuration writes; bounds what a damaged file can cost.
constexpr std::size_t kMostBytes = 4U << 20;

std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  file >> id;
  return id.empty() ? "unknown" : id;
}

std::string to_text(const std::set<OwnedAddress>& addresses) {
  std::ostringstream text;
  text << kFirstLine << "\nboot " << boot_id() << '\n';
  for (const OwnedAddress& address : addresses)
    text << "address " << address.prefix.to_string() << ' ' << address.interface << '\n';
  text << "end " << addresses.size() << '\n';
  return text.str();
}

/// None unless the line is exactly "address PREFIX INTERFACE".
std::optional<OwnedAddress> parse_line(const std::string& line) {
  std::istringstream words(line);
  std::string keyword;
  std::string prefix;
  OwnedAddress address;
  words >> keyword >> prefix >> address.interface;
  const auto parsed = IpPrefix::parse(prefix);
  if (!parsed || address.interface.empty()) return std::nullopt;
  address.prefix = *parsed;
  const bool same = "address " + prefix + " " + address.interface == line;
  return same ? std::optional(address) : std::nullopt;
}

struct Content {
  std::string boot;
  std::set<OwnedAddress> addresses;
};

/// None when the text is not a whole record of this version.
std::optional<Content> parse(const std::string& text) {
  std::istringstream lines(text);
  std::string line;
  if (!std::getline(lines, line) || line != kFirstLine) return std::nullopt;
  if (!std::getline(lines, line) || line.rfind("boot ", 0) != 0) return std::nullopt;
  Content content{line.substr(5), {}};
  while (std::getline(lines, line)) {
    if (line == "end " + std::to_string(content.addresses.size())) {
      const bool whole = !lines.eof() && lines.peek() == std::istringstream::traits_type::eof();
      return whole ? std::optional(std::move(content)) : std::nullopt;
    }
    auto address = parse_line(line);
    if (!address || !content.addresses.insert(std::move(*address)).second) return std::nullopt;
  }
  return std::nullopt;
}

/// Why the file must not be believed; empty when it may be.
std::string distrust(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return "is not a plain file";
  if (status.st_uid != geteuid() || (status.st_mode & 022) != 0)
    return "belongs to somebody else or is writable by others";
  if (static_cast<std::size_t>(status.st_size) > kMostBytes) return "is too large";
  return {};
}

std::optional<std::string> read_whole(int fd) {
  std::string text(kMostBytes + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(fd, text.data() + size, text.size() - size);
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return text;
}

}  // namespace

OwnedAddresses::OwnedAddresses(base::FileDescriptor directory_fd, std::string directory)
    : directory_fd_(std::move(directory_fd)), directory_(std::move(directory)) {}

std::string OwnedAddresses::name() const { return directory_ + "/" + kFile; }

Result<OwnedAddresses> OwnedAddresses::open(const std::string& directory) {
  OwnedAddresses opened(base::FileDescriptor(::open(
                            directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)),
                        directory);
  if (!opened.directory_fd_)
    return base::fail_errno("state_dir " + directory + ": cannot open it", errno);
  if (auto read = opened.read(); !read) return tl::unexpected(read.error());
  return opened;
}

Result<void> OwnedAddresses::read() {
  // Non-blocking: a pipe of this name must not stop the start.
  const base::FileDescriptor file(
      openat(directory_fd_.get(), kFile, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT) return {};
    if (errno == ELOOP) return set_aside("is a link");
    return base::fail_errno(name() + ": cannot read it", errno);
  }
  if (const std::string why = distrust(file.get()); !why.empty()) return set_aside(why);
  const auto text = read_whole(file.get());
  auto content = text ? parse(*text) : std::nullopt;
  if (!content) return set_aside("is damaged, or of another version");
  if (content->boot == boot_id()) all_ = std::move(content->addresses);
  return {};
}

Result<void> OwnedAddresses::set_aside(const std::string& why) const {
  if (renameat(directory_fd_.get(), kFile, directory_fd_.get(), kDamagedFile) != 0)
    return base::fail_errno(name() + ": " + why + ", and cannot be renamed; remove it by hand",
                            errno);
  spdlog::warn(
      "{}: {}; it was renamed to {} and is not believed: addresses that a crashed guidewayd left "
      "behind stay, see ip addr",
      name(), why, kDamagedFile);
  return {};
}

Result<void> OwnedAddresses::set(std::set<OwnedAddress> addresses) {
  if (addresses == all_) return {};
  if (addresses.empty()) {
    if (unlinkat(directory_fd_.get(), kFile, 0) != 0 && errno != ENOENT)
      return base::fail_errno(name() + ": cannot remove it", errno);
  } else if (auto written = write(to_text(addresses)); !written) {
    return written;
  }
  all_ = std::move(addresses);
  return {};
}

Result<void> OwnedAddresses::write(const std::string& text) const {
  unlinkat(directory_fd_.get(), kNewFile, 0);
  if (const int error = base::replace_file(directory_fd_.get(), kFile, text); error != 0)
    return base::fail_errno(name() +
                                ": cannot write the addresses down before they are added (is " +
                                "the disk full or read-only?)",
                            error);
  return {};
}

}  // namespace guideway::netlink
