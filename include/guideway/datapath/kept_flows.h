// SPDX-License-Identifier: Apache-2.0
// KeptFlows: what makes the words of a flow table mean something, in memory that outlives the
// daemon: the table's shape, the hash seed, and which backend every id stands for. It lies beside
// the flow table, in a pinned BPF map or in a file; a restarted daemon adopts both.
//
//   [ fixed part: magic, version, shape, seed, director | checksum ]
//   [ identities, copy 0: generation, count, checksum | one record per id ]
//   [ identities, copy 1: … ]
//
// Identities are written into the older copy, the generation last, so a daemon that dies while it
// writes leaves the other copy whole. What is read back is untrusted: every field is bounded and
// checked, strings and all, before anything is made of it.
// Threading: one writer; reading copies the memory first, so it may change meanwhile.
// Invariant: a copy whose checksum is right was written by write_identities().
#ifndef GUIDEWAY_DATAPATH_KEPT_FLOWS_H_
#define GUIDEWAY_DATAPATH_KEPT_FLOWS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "guideway/base/result.h"
#include "guideway/compile/backend_ids.h"
#include "guideway/model/model.h"

namespace guideway::datapath {

/// Changes with the layout of this memory, of a flow entry, or with the flow hash.
inline constexpr std::uint32_t kKeptFlowsVersion = 1;

/// How the buckets are divided. Fixed for the life of the table: an entry holds too little of the
/// hash to be moved to another bucket.
struct FlowShape {
  std::uint32_t shards = 0;
  std::uint32_t buckets_per_shard = 0;
  friend bool operator==(const FlowShape&, const FlowShape&) = default;
};

/// Share of the words that the flows wanted may take: up to here nearly every flow finds a place in
/// one of its two buckets.
inline constexpr std::uint64_t kFlowLoadPercent = 75;

/// Enough buckets for `flows` at kFlowLoadPercent.
FlowShape flow_shape_for(std::uint64_t flows, std::uint32_t shards);

/// What a table was left with.
struct KeptFlows {
  std::string director;
  FlowShape shape;
  model::HashSeed hash_seed{};
  /// Of the last identities written; 0: none were.
  std::uint64_t generation = 0;
  compile::BackendIds ids;
};

/// Bytes for identities of so many backend ids.
std::size_t kept_flows_bytes(std::uint32_t backends);

/// Makes `memory` the description of an empty table. REQUIRES: memory.size() is at least
/// kept_flows_bytes(backends).
void format_kept_flows(std::span<std::byte> memory, const std::string& director, FlowShape shape,
                       const model::HashSeed& seed, std::uint32_t backends);

/// Notes what the ids mean from `generation` on. REQUIRES: format_kept_flows() was called, or
/// read_kept_flows() succeeded, for this memory; no id is at or above its number of backends.
void write_identities(std::span<std::byte> memory, std::uint64_t generation,
                      const compile::BackendIds& ids);

/// Errors: another version, another director, damaged; each says which. `capacity`: of the ids that
/// are given out from now on; held ids at or above it are an error.
Result<KeptFlows> read_kept_flows(std::span<const std::byte> memory, const std::string& director,
                                  std::uint32_t capacity);

}  // namespace guideway::datapath

#endif  // GUIDEWAY_DATAPATH_KEPT_FLOWS_H_
