// SPDX-License-Identifier: Apache-2.0
// FileStore: memory that outlives the daemon in files of a directory in memory (tmpfs), large
// pieces on huge pages where a hugetlbfs is mounted and has enough. Threading: start-up.
#ifndef GUIDEWAY_DATAPATH_FILE_STORE_H_
#define GUIDEWAY_DATAPATH_FILE_STORE_H_

#include <cstddef>
#include <string>
#include <utility>

#include "guideway/base/result.h"
#include "guideway/datapath/flow_store.h"

namespace guideway::datapath {

class FileStore : public MemoryStore {
 public:
  /// `directory` is made with mode 0700. Huge-page files lie in HUGE/guideway-DIRECTOR; `huge`
  /// empty: none. Errors: a directory that others own or may write.
  static Result<FileStore> open_directory(const std::string& directory, const std::string& director,
                                          const std::string& huge);
  /// Where a hugetlbfs with 2 MB pages is mounted; empty: nowhere.
  static std::string find_huge_mount();

  std::string name() const override { return directory_; }
  bool contains(const std::string& name) const override;
  Result<StoredMemoryPtr> open(const std::string& name, std::size_t unit) override;
  Result<StoredMemoryPtr> make(const std::string& name, std::size_t bytes,
                               std::size_t unit) override;
  Result<void> put(StoredMemory& memory, const std::string& name) override;
  void remove(const std::string& name) override;
  /// Removes all files, and the directories.
  void remove_all();

  /// Removes a director's files; false when there were none.
  static bool remove_director(const std::string& flow_dir, const std::string& director);

 private:
  FileStore(std::string directory, std::string huge)
      : directory_(std::move(directory)), huge_(std::move(huge)) {}

  std::string directory_;
  std::string huge_;  // empty: none
};

}  // namespace guideway::datapath

#endif  // GUIDEWAY_DATAPATH_FILE_STORE_H_
