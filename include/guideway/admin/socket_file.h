// SPDX-License-Identifier: Apache-2.0
// SocketFile: a listening Unix socket's place in the file system: folder, stale leftovers, owner,
// mode, removal.
// Threading: one thread.
#ifndef GUIDEWAY_ADMIN_SOCKET_FILE_H_
#define GUIDEWAY_ADMIN_SOCKET_FILE_H_

#include <string>

#include "guideway/base/result.h"

namespace guideway::admin {

class SocketFile {
 public:
  /// Binds and listens. `group` owns the socket if it exists, else root alone can use it.
  static Result<SocketFile> listen(const std::string& path, const std::string& group);

  SocketFile(SocketFile&& other) noexcept;
  SocketFile& operator=(SocketFile&&) = delete;
  /// Removes the socket and, if it made it and it is empty, the folder.
  ~SocketFile();

  /// Gives the descriptor away; the file stays this object's.
  int release_fd();

 private:
  SocketFile(std::string path, std::string made_folder);

  int fd_ = -1;
  std::string path_;
  std::string made_folder_;
};

}  // namespace guideway::admin

#endif  // GUIDEWAY_ADMIN_SOCKET_FILE_H_
