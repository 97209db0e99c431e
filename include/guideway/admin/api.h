// SPDX-License-Identifier: Apache-2.0
// Api: what the two sockets can be asked, /v1/…: docs/admin-api.md. It turns requests into changes
// of the controller's, and what the controller says into JSON. It decides nothing. Threading: the
// control thread.
#ifndef GUIDEWAY_ADMIN_API_H_
#define GUIDEWAY_ADMIN_API_H_

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "guideway/admin/http_server.h"
#include "guideway/base/shared_answer.h"
#include "guideway/control/controller.h"

namespace guideway::admin {

/// Which socket a request came by.
enum class Access { kRead, kWrite };

/// What takes long to make is made once for all who ask for it meanwhile; of what is made for each,
/// so many answers at once.
struct SharedTexts {
  static constexpr std::size_t kMostAside = 16;
  using Answers = base::SharedAnswer<Response>;
  std::shared_ptr<Answers> status;
  std::shared_ptr<Answers> difference;
  std::shared_ptr<std::size_t> aside = std::make_shared<std::size_t>(0);
};

/// A method and a path with its parameters in braces: "GET", "/v1/pools/{pool}"; and the keys that
/// its query may have.
struct RouteName {
  std::string method;
  std::string path;
  std::set<std::string> query;
  friend auto operator<=>(const RouteName&, const RouteName&) = default;
};

/// Everything that can be asked for; docs/openapi.json has the same list.
std::vector<RouteName> routes();

class Api {
 public:
  /// `controller` outlives it, and all answers that are under way.
  Api(control::Controller& controller, Access access);

  void handle(Request request, Respond respond) const;

 private:
  control::Controller& controller_;
  Access access_;
  SharedTexts texts_;
};

}  // namespace guideway::admin

#endif  // GUIDEWAY_ADMIN_API_H_
