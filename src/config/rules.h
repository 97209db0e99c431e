// SPDX-License-Identifier: Apache-2.0
// The model's rules, reported in the places of what was read.
// Threading: no state.
#ifndef GUIDEWAY_CONFIG_RULES_H_
#define GUIDEWAY_CONFIG_RULES_H_

#include "document.h"
#include "errors.h"
#include "guideway/model/model.h"

namespace guideway::config {

/// Adds what model::validate() finds. What follows from a key that could not be read is left out.
void check_rules(const model::Model& model, const Node& root, Errors& errors);

/// False after reporting that there are more services, pools or backends than model.capacity has
/// room for: then none of them is to be read.
bool has_room(const model::Model& model, const Node& root, Errors& errors);

}  // namespace guideway::config

#endif  // GUIDEWAY_CONFIG_RULES_H_
