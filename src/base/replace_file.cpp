// SPDX-License-Identifier: Apache-2.0
#include "guideway/base/replace_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>

#include "guideway/base/file_descriptor.h"

namespace guideway::base {
namespace {

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

int replace_file(int dir, const std::string& name, std::string_view bytes) {
  const std::string temporary = name + ".new";
  const FileDescriptor made(
      openat(dir, temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!made) return errno;
  // One that was left over has a mode already.
  if (fchmod(made.get(), 0600) == 0 && write_all(made.get(), bytes) && fsync(made.get()) == 0 &&
      renameat(dir, temporary.c_str(), dir, name.c_str()) == 0 && fsync(dir) == 0)
    return 0;
  const int error = errno;
  unlinkat(dir, temporary.c_str(), 0);
  return error;
}

}  // namespace guideway::base
