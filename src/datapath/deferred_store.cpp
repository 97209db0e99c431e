// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/deferred_store.h"

namespace guideway::datapath {

Result<void> DeferredStore::carry_out() {
  while (!steps_.empty()) {
    const Step& next = steps_.front();
    if (next.memory == nullptr) {
      store_.remove(next.name);
    } else if (auto done = store_.put(*next.memory, next.name); !done) {
      return done;
    }
    steps_.pop_front();
  }
  return {};
}

}  // namespace guideway::datapath
