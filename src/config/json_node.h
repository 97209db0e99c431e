// SPDX-License-Identifier: Apache-2.0
// Between Node, which the readers of this module understand, and JSON.
// Threading: no state.
#ifndef GUIDEWAY_CONFIG_JSON_NODE_H_
#define GUIDEWAY_CONFIG_JSON_NODE_H_

#include "document.h"
#include "guideway/config/resources.h"

namespace guideway::config {

/// Without positions. Recursive: the depth of `json` has been bounded by whoever read it.
Node node_of(const Json& json);

/// What has no place in JSON (a date) becomes null; that is an error in every key anyway.
Json json_of(const Node& node);

}  // namespace guideway::config

#endif  // GUIDEWAY_CONFIG_JSON_NODE_H_
