// SPDX-License-Identifier: Apache-2.0
// Result<T>: a value, or an Error that a person can act on. For what the operator or the system can
// cause; packets are counted instead, and our own bugs are assertions.
// Threading: values.
#ifndef GUIDEWAY_BASE_RESULT_H_
#define GUIDEWAY_BASE_RESULT_H_

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace guideway::base {

/// One sentence that says what is wrong, where, and what to do.
struct Error {
  std::string message;
  friend bool operator==(const Error&, const Error&) = default;
};

template <typename T>
using Result = tl::expected<T, Error>;

/// `return fail("…");` in a function that returns Result<T>.
inline tl::unexpected<Error> fail(std::string message) {
  return tl::unexpected<Error>(Error{std::move(message)});
}

/// "what: strerror(error_number)", for failed system calls.
tl::unexpected<Error> fail_errno(const std::string& what, int error_number);

}  // namespace guideway::base

namespace guideway {
using base::Error;
using base::Result;
}  // namespace guideway

#endif  // GUIDEWAY_BASE_RESULT_H_
