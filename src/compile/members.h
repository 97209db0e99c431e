// SPDX-License-Identifier: Apache-2.0
// Members: the backends that may take a pool's flows: its own, and as guests those of its fallback
// pool. A guest has an id of its own in each pool that it visits, so that a flow that went to it
// stays there when the pool's own backends are back.
// Threading: no state; the model outlives the members.
#ifndef GUIDEWAY_COMPILE_MEMBERS_H_
#define GUIDEWAY_COMPILE_MEMBERS_H_

#include <string>
#include <vector>

#include "guideway/model/model.h"

namespace guideway::compile {

struct Member {
  /// In the pool that it takes flows of.
  model::BackendKey key;
  /// Where it is configured.
  const model::Pool* home = nullptr;
  const model::Backend* backend = nullptr;
};

/// Null: no such pool.
const model::Pool* find_pool(const model::Model& model, const std::string& name);

/// The backends of its fallback pool, if it has one, that the pool does not have itself.
std::vector<Member> guests_of(const model::Model& model, const model::Pool& pool);

/// Own backends first, in order; then the guests.
std::vector<Member> members_of(const model::Model& model, const model::Pool& pool);

}  // namespace guideway::compile

#endif  // GUIDEWAY_COMPILE_MEMBERS_H_
