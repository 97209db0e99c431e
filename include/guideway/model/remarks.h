// SPDX-License-Identifier: Apache-2.0
// remarks(): what an operator should know of a model that keeps all rules.
// Threading: no state.
#ifndef GUIDEWAY_MODEL_REMARKS_H_
#define GUIDEWAY_MODEL_REMARKS_H_

#include <string>
#include <vector>

#include "guideway/model/model.h"

namespace guideway::model {

/// Each begins with the key that it is about: "director.on_too_big: the datapath …". Empty for most
/// models. Cost: O(n log n) in the number of pools, services and, with toa, backends.
std::vector<std::string> remarks(const Model& model);

}  // namespace guideway::model

#endif  // GUIDEWAY_MODEL_REMARKS_H_
