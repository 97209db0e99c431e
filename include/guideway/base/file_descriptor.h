// SPDX-License-Identifier: Apache-2.0
// FileDescriptor: owns one, closes it.
// Threading: a value that moves.
#ifndef GUIDEWAY_BASE_FILE_DESCRIPTOR_H_
#define GUIDEWAY_BASE_FILE_DESCRIPTOR_H_

#include <unistd.h>

#include <utility>

namespace guideway::base {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() { reset(); }
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

}  // namespace guideway::base

#endif  // GUIDEWAY_BASE_FILE_DESCRIPTOR_H_
