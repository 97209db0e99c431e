// SPDX-License-Identifier: Apache-2.0
#include "files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "guideway/base/file_descriptor.h"
#include "guideway/base/replace_file.h"
#include "guideway/base/result.h"
#include "guideway/base/text.h"

namespace guideway::cli {
namespace {

constexpr std::size_t kMaxBytes = 1024 * 1024;

tl::unexpected<Failure> file_failure(ExitCode code, const std::string& path, int error) {
  return failed(code, base::fail_errno(base::escape_untrusted(path), error).value().message);
}

}  // namespace

Outcome<std::string> read_small_file(const std::string& path) {
  const base::FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return file_failure(kUsage, path, errno);
  std::string text;
  char part[65536];
  for (;;) {
    const ssize_t size = read(file.get(), part, sizeof part);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return file_failure(kUsage, path, errno);
    if (size == 0) return text;
    text.append(part, static_cast<std::size_t>(size));
    if (text.size() > kMaxBytes)
      return failed(kUsage, base::escape_untrusted(path) +
                                " is larger than 1 MiB, the most that the socket takes: put it in "
                                "the place of guidewayd's own file, then guideway reload");
  }
}

Outcome<void> write_whole_file(const std::string& path, const std::string& bytes) {
  const std::filesystem::path whole(path);
  const std::string folder = whole.has_parent_path() ? whole.parent_path().string() : ".";
  const std::string name = whole.filename();
  if (name.empty()) return failed(kUsage, base::escape_untrusted(path) + " names no file");
  const base::FileDescriptor dir(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir) return file_failure(kFault, folder, errno);
  struct stat old {};
  const bool is_new = fstatat(dir.get(), name.c_str(), &old, AT_SYMLINK_NOFOLLOW) != 0;
  if (!is_new && !S_ISREG(old.st_mode))
    return failed(kUsage,
                  base::escape_untrusted(path) +
                      " is no regular file; without a file name, save writes to its output");
  if (const int error = base::replace_file(dir.get(), name, bytes); error != 0)
    return file_failure(kFault, path, error);
  if (!is_new && fchmodat(dir.get(), name.c_str(), old.st_mode & 07777, 0) != 0)
    return file_failure(kFault, path, errno);
  return {};
}

}  // namespace guideway::cli
