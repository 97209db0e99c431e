// SPDX-License-Identifier: Apache-2.0
// The ranges of the model's values: one list for everything that fills a model (configuration file,
// admin socket) and for validate(). docs/configuration.md repeats them for people.
// Threading: constants.
#ifndef GUIDEWAY_MODEL_LIMITS_H_
#define GUIDEWAY_MODEL_LIMITS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace guideway::model {

/// Both ends are allowed.
struct Range {
  std::int64_t least = 0;
  std::int64_t most = 0;
  constexpr bool contains(std::int64_t value) const { return value >= least && value <= most; }
};

/// "0 to 1000".
std::string to_string(const Range& range);

inline constexpr Range kWeightRange{0, 1000};
inline constexpr Range kPortRange{1, 65535};
inline constexpr Range kVniRange{0, 0xffffff};
inline constexpr Range kGreKeyRange{0, 0xffffffff};
inline constexpr Range kThresholdRange{1, 100};
inline constexpr Range kJitterRange{0, 50};
inline constexpr Range kPercentRange{0, 100};
inline constexpr Range kHttpStatusRange{100, 599};
inline constexpr Range kCpuRange{0, 1023};
inline constexpr Range kIcmpRateRange{0, 1'000'000};

/// The least prime, to the largest one below 2^24: a table of 32 MB.
inline constexpr Range kTableSizeRange{2, 16'777'213};

/// Service and pool ids have 16 bits.
inline constexpr Range kServiceCapacityRange{1, 65535};
inline constexpr Range kPoolCapacityRange{1, 65535};
/// Backend ids have 16 bits, and 0xffff means "none".
inline constexpr Range kBackendCapacityRange{1, 65535};
/// Two bytes each: up to 2 GiB.
inline constexpr Range kSlotCapacityRange{2, 1 << 30};
/// Eight bytes each: up to 8 GiB.
inline constexpr Range kFlowCapacityRange{1, 1 << 30};
/// 8.4 MB each: up to 8.4 GiB.
inline constexpr Range kNatCapacityRange{0, 1024};
/// GW_NAT_POOL_ADDRESSES in core/layout.h.
inline constexpr std::size_t kMaxNatSources = 8;

/// Worker number is the shard's: GW_MAX_SHARDS in core/layout.h.
inline constexpr std::size_t kMaxWorkers = 64;

inline constexpr std::chrono::milliseconds kMinCheckInterval{100};
inline constexpr std::chrono::milliseconds kMaxCheckInterval{3'600'000};
inline constexpr std::chrono::milliseconds kMinCheckTimeout{10};
inline constexpr std::chrono::milliseconds kMaxFlapHold{86'400'000};
inline constexpr std::chrono::milliseconds kMaxRebuildInterval{60'000};

/// GW_MAX_IDLE_TIMEOUT_S in core/layout.h, whose 13-bit time cannot tell a longer one from its
/// past.
inline constexpr std::chrono::seconds kMinIdleTimeout{1};
inline constexpr std::chrono::seconds kMaxIdleTimeout{4095};

inline constexpr std::size_t kMaxNameSize = 63;
/// The TAP of an interface is "gw-<name>", and the kernel takes 15 bytes.
inline constexpr std::size_t kMaxInterfaceNameSize = 12;
inline constexpr std::size_t kMaxKernelInterfaceSize = 15;
inline constexpr std::size_t kMaxCheckPathSize = 1024;
inline constexpr std::size_t kMaxCheckHostSize = 255;
inline constexpr std::size_t kMaxCheckTextSize = 1024;
inline constexpr std::size_t kMaxStatusRanges = 16;
/// sockaddr_un::sun_path, less the terminating zero.
inline constexpr std::size_t kMaxSocketPathSize = 107;

}  // namespace guideway::model

#endif  // GUIDEWAY_MODEL_LIMITS_H_
