// SPDX-License-Identifier: Apache-2.0
// HttpServer: HTTP/1.1 over a Unix socket. It knows nothing of what is asked for: a handler
// answers. Clients are hostile input: 64 connections and one more for root, 8 KiB of header, 1 MiB
// of body, HttpTimes. A client that is slow, wrong or too much costs nobody else anything.
// Threading: the control thread, which runs the io_context.
#ifndef GUIDEWAY_ADMIN_HTTP_SERVER_H_
#define GUIDEWAY_ADMIN_HTTP_SERVER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "guideway/base/result.h"

namespace boost::asio {
class io_context;
}

namespace guideway::admin {

inline constexpr std::size_t kMaxConnections = 64;
inline constexpr std::size_t kMaxBody = 1 << 20;

/// Whoever asks. A handler that may take long sets `on_gone`: it is called, once, when the client
/// has left before its answer, which is then not wanted any more.
struct Client {
  std::function<void()> on_gone;
};

struct Request {
  std::string method;
  std::string target;  // "/v1/pools/web?dry_run=true"
  std::string content_type;
  std::string if_match;
  std::string request_id;
  std::string body;
  std::shared_ptr<Client> client = {};  // null: nobody who could leave
};

struct Response {
  unsigned status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::optional<std::uint64_t> revision;  // the ETag
  std::string allow;                      // of a 405
};

/// Called once, now or later, on the loop's thread.
using Respond = std::function<void(Response)>;
using Handler = std::function<void(Request, Respond)>;

/// After which a client that is too slow is left, without a word.
struct HttpTimes {
  std::chrono::milliseconds request{10'000};  // from when it may send one until it has arrived
  std::chrono::milliseconds write{30'000};    // until it has taken its answer
};

class HttpServer {
 public:
  /// Makes the socket with mode 0660, for `group` if there is one, and its folder if that is
  /// missing; the destructor removes what was made. A socket that nobody listens on any more is
  /// replaced.
  static Result<std::unique_ptr<HttpServer>> open(boost::asio::io_context& loop,
                                                  const std::string& path, const std::string& group,
                                                  Handler handler, HttpTimes times = {});
  virtual ~HttpServer() = default;
};

/// {"api": 1, "error": {"code": …, "field": …, "message": …}}; "all" in it if there are more
/// messages than one.
Response error_response(unsigned status, const std::string& code, const std::string& message,
                        const std::string& field = "", const std::vector<std::string>& all = {});

}  // namespace guideway::admin

#endif  // GUIDEWAY_ADMIN_HTTP_SERVER_H_
