// SPDX-License-Identifier: Apache-2.0
// PinStore: memory that outlives the daemon in pinned BPF array maps, which the XDP program shares.
// Threading: start-up.
#ifndef GUIDEWAY_DATAPATH_XDP_PIN_STORE_H_
#define GUIDEWAY_DATAPATH_XDP_PIN_STORE_H_

#include <cstddef>
#include <string>

#include "guideway/base/result.h"
#include "guideway/datapath/flow_store.h"
#include "guideway/datapath/xdp/pin_dir.h"

namespace guideway::datapath::xdp {

class PinStore : public MemoryStore {
 public:
  /// `pins` outlives it.
  PinStore(const PinDir& pins, std::string director)
      : pins_(pins), director_(std::move(director)) {}

  std::string name() const override { return pins_.path(); }
  bool contains(const std::string& name) const override { return pins_.contains(name); }
  Result<StoredMemoryPtr> open(const std::string& name, std::size_t unit) override;
  Result<StoredMemoryPtr> make(const std::string& name, std::size_t bytes,
                               std::size_t unit) override;
  Result<void> put(StoredMemory& memory, const std::string& name) override;
  void remove(const std::string& name) override { pins_.remove(name); }

 private:
  const PinDir& pins_;
  std::string director_;
};

}  // namespace guideway::datapath::xdp

#endif  // GUIDEWAY_DATAPATH_XDP_PIN_STORE_H_
