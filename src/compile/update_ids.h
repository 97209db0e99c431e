// SPDX-License-Identifier: Apache-2.0
// The first step of compile(): which id each backend has in the new generation.
// Threading: no state.
#ifndef GUIDEWAY_COMPILE_UPDATE_IDS_H_
#define GUIDEWAY_COMPILE_UPDATE_IDS_H_

#include "guideway/base/result.h"
#include "guideway/compile/backend_ids.h"
#include "guideway/model/model.h"

namespace guideway::compile {

/// `ids` with every backend of the model added and everyone else marked removed; what entries say
/// about forwarding and timeouts is brought up to date. Errors: no free id.
Result<BackendIds> update_ids(BackendIds ids, const model::Model& model);

}  // namespace guideway::compile

#endif  // GUIDEWAY_COMPILE_UPDATE_IDS_H_
