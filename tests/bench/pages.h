// SPDX-License-Identifier: Apache-2.0
// Memory for what is measured, on the largest pages that there are, and the truth about which.
// Threading: values.
#ifndef GUIDEWAY_TESTS_BENCH_PAGES_H_
#define GUIDEWAY_TESTS_BENCH_PAGES_H_

#include <cstddef>

#include "guideway/base/result.h"

namespace guideway::bench {

enum class PageKind {
  kHuge,         // 2 MB, reserved by the operator
  kTransparent,  // 2 MB, found by the kernel when asked
  kSmall,        // 4 KB
};

const char* name_of(PageKind kind);

/// Zeroed memory that is present: touching it faults no page in.
class Pages {
 public:
  /// Takes the largest kind that is to be had, but none larger than `largest`.
  static Result<Pages> allocate(std::size_t bytes, PageKind largest);
  Pages(Pages&& other) noexcept;
  Pages& operator=(Pages&&) = delete;
  ~Pages();

  void* data() const { return data_; }
  PageKind kind() const { return kind_; }

 private:
  Pages(void* data, std::size_t bytes, PageKind kind) : data_(data), bytes_(bytes), kind_(kind) {}

  void* data_;
  std::size_t bytes_;
  PageKind kind_;
};

}  // namespace guideway::bench

#endif  // GUIDEWAY_TESTS_BENCH_PAGES_H_
