// SPDX-License-Identifier: Apache-2.0
// StatusServer: HTTP/1.1 over a Unix socket that can only be read from: GET /v1/status.
// Clients are hostile input: 64 connections, 8 KiB of header, no body, 10 s a request.
// Threading: the control thread, which runs the io_context.
#ifndef GUIDEWAY_ADMIN_STATUS_SERVER_H_
#define GUIDEWAY_ADMIN_STATUS_SERVER_H_

#include <functional>
#include <memory>
#include <string>

#include "guideway/base/result.h"

namespace boost::asio {
class io_context;
}

namespace guideway::admin {

class StatusServer {
 public:
  /// Answers each request with what `status` returns (JSON). Makes the socket with mode 0660, group
  /// guideway-read if there is one, and its folder if that is missing; the destructor removes what
  /// was made. A socket that nobody listens on any more is replaced.
  static Result<std::unique_ptr<StatusServer>> open(boost::asio::io_context& loop,
                                                    const std::string& path,
                                                    std::function<std::string()> status);
  virtual ~StatusServer() = default;
};

}  // namespace guideway::admin

#endif  // GUIDEWAY_ADMIN_STATUS_SERVER_H_
