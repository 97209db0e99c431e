// SPDX-License-Identifier: Apache-2.0
// FlowStore: a flow table and what makes its entries mean something (KeptFlows), in two named
// pieces of memory that outlive the daemon. The next daemon adopts them, or says why it cannot.
// Where the memory is (pinned BPF maps, files) is a MemoryStore's business; the rules are here,
// once. Threading: start-up; write_identities() on one thread at a time.
#ifndef GUIDEWAY_DATAPATH_FLOW_STORE_H_
#define GUIDEWAY_DATAPATH_FLOW_STORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "guideway/base/result.h"
#include "guideway/datapath/datapath.h"
#include "guideway/datapath/kept_flows.h"

namespace guideway::datapath {

/// One piece, mapped; aligned to pages.
class StoredMemory {
 public:
  virtual ~StoredMemory() = default;
  virtual std::span<std::byte> bytes() const = 0;
  /// Of a BPF map; -1 where there is none.
  virtual int fd() const { return -1; }
  /// "huge pages (2 MB)", or "small pages" and why.
  virtual std::string pages() const { return "small pages"; }
};
using StoredMemoryPtr = std::unique_ptr<StoredMemory>;

class MemoryStore {
 public:
  virtual ~MemoryStore() = default;
  /// "/run/guideway/bpf/lb1", for messages.
  virtual std::string name() const = 0;
  /// Whether something, good or not, is there under `name`.
  virtual bool contains(const std::string& name) const = 0;
  /// What was put there under `name`; null when nothing was. `unit`: bytes of one element.
  /// Errors: it is not what it should be.
  virtual Result<StoredMemoryPtr> open(const std::string& name, std::size_t unit) = 0;
  /// `bytes` of zeros, not yet under a name.
  virtual Result<StoredMemoryPtr> make(const std::string& name, std::size_t bytes,
                                       std::size_t unit) = 0;
  /// Puts it under `name` in place of what is there, in one step.
  virtual Result<void> put(StoredMemory& memory, const std::string& name) = 0;
  virtual void remove(const std::string& name) = 0;
};

class FlowStore {
 public:
  static constexpr const char* kFlows = "flows";
  static constexpr const char* kKept = "kept";
  /// Elements: a bucket, and a page of the description.
  static constexpr std::size_t kFlowsUnit = sizeof(gw_flow_bucket);
  static constexpr std::size_t kKeptUnit = 4096;

  struct Wanted {
    std::string director;
    FlowShape shape;
    model::HashSeed hash_seed{};
    std::uint32_t backends = 0;
  };

  /// Adopts what is stored, whatever shape it has; else stores an empty table of the shape wanted.
  /// What cannot be adopted is replaced, and the log says why. Errors: no memory; it holds a
  /// backend id that is not below `wanted.backends`.
  static Result<FlowStore> open(MemoryStore& store, const Wanted& wanted);
  /// What is stored, for looking at. Errors: nothing is, or it cannot be read.
  static Result<KeptFlows> read(MemoryStore& store, const std::string& director);

  /// What was adopted; none when the table started empty.
  const std::optional<KeptFlows>& adopted() const { return adopted_; }
  FlowShape shape() const { return shape_; }
  FlowTableView view() const;
  int flows_fd() const { return flows_->fd(); }
  /// Of the flow table: StoredMemory::pages().
  std::string pages() const { return flows_->pages(); }

  /// Notes what backend ids mean from `generation` on.
  void write_identities(std::uint64_t generation, const compile::BackendIds& ids);

 private:
  FlowStore() = default;
  Result<KeptFlows> find(MemoryStore& store, const std::string& director);
  Result<void> adopt(MemoryStore& store, const Wanted& wanted, KeptFlows found);
  Result<void> make(MemoryStore& store, const Wanted& wanted);
  Result<void> make_kept(MemoryStore& store, const Wanted& wanted);

  FlowShape shape_;
  std::optional<KeptFlows> adopted_;
  StoredMemoryPtr flows_;
  StoredMemoryPtr kept_;
};

}  // namespace guideway::datapath

#endif  // GUIDEWAY_DATAPATH_FLOW_STORE_H_
