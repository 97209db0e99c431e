// SPDX-License-Identifier: Apache-2.0
// The table of routes: read it to see what the API can do, and where.
// Threading: constants; the functions are called on the control thread.
#ifndef GUIDEWAY_ADMIN_ROUTES_H_
#define GUIDEWAY_ADMIN_ROUTES_H_

#include <span>
#include <vector>

#include "call.h"

namespace guideway::admin {

struct Route {
  const char* method;
  const char* path;
  /// Answers, now or later.
  void (*run)(Call call);
  /// Keys that the query may have, separated by spaces.
  const char* query;
  /// JSON is wanted or allowed. A route that reads the raw body has false.
  bool takes_json = false;
};

std::span<const Route> route_table();

// shared_texts.cpp
/// `controller` outlives them.
SharedTexts make_shared_texts(control::Controller& controller);
void get_status(Call call);
void get_diff(Call call);

// read_routes.cpp
void get_config(Call call);
void get_services(Call call);
void get_service(Call call);
void get_pools(Call call);
void get_pool(Call call);
void get_backends(Call call);
void get_backend(Call call);
void get_history(Call call);
void get_explain(Call call);

// events_route.cpp
void get_events(Call call);

// write_routes.cpp
void put_config(Call call);
void post_plan(Call call);
void post_confirm(Call call);
void post_rollback(Call call);
void post_reload(Call call);
void post_batch(Call call);
void change_resource(Call call);  // PUT, PATCH and DELETE of one
void post_backend_action(Call call);

}  // namespace guideway::admin

#endif  // GUIDEWAY_ADMIN_ROUTES_H_
