// SPDX-License-Identifier: Apache-2.0
// A folder of the test's own, removed with all that is in it.
// Threading: one thread.
#ifndef GUIDEWAY_TESTS_SUPPORT_TEMPORARY_DIR_H_
#define GUIDEWAY_TESTS_SUPPORT_TEMPORARY_DIR_H_

#include <stdlib.h>

#include <filesystem>
#include <string>
#include <system_error>

namespace guideway::test {

class TemporaryDir {
 public:
  TemporaryDir() {
    std::string name = std::filesystem::temp_directory_path() / "guideway-test-XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~TemporaryDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDir(const TemporaryDir&) = delete;
  TemporaryDir& operator=(const TemporaryDir&) = delete;

  std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_SUPPORT_TEMPORARY_DIR_H_
