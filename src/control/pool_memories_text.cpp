// SPDX-License-Identifier: Apache-2.0
#include "guideway/control/pool_memories_text.h"

#include <cstdint>
#include <optional>
#include <utility>

#include "guideway/config/resources.h"

namespace guideway::control {
namespace {

using compile::PoolMemories;
using config::Json;

/// Of backends in all pools; ids have 16 bits. Those that were removed during a panic are still
/// remembered.
constexpr std::size_t kMostRemembered = std::size_t{1} << 17;

/// ["10.0.0.1", 80].
std::optional<model::BackendKey> key_of(const std::string& pool, const Json& json) {
  if (!json.is_array() || json.size() != 2 || !json[0].is_string() ||
      !json[1].is_number_unsigned() || json[1].get<std::uint64_t>() > UINT16_MAX)
    return std::nullopt;
  const auto address = IpAddress::parse(json[0].get_ref<const std::string&>());
  if (!address) return std::nullopt;
  return model::BackendKey{pool, *address, json[1].get<std::uint16_t>()};
}

std::optional<PoolMemories::value_type> memory_of(const Json& json) {
  if (!json.is_object()) return std::nullopt;
  const auto pool = json.find("pool");
  const auto panic = json.find("panic");
  const auto good = json.find("good");
  if (pool == json.end() || !pool->is_string() || panic == json.end() || !panic->is_boolean() ||
      good == json.end() || !good->is_array())
    return std::nullopt;
  PoolMemories::value_type entry{pool->get<std::string>(), {panic->get<bool>(), {}}};
  for (const Json& each : *good) {
    auto key = key_of(entry.first, each);
    if (!key) return std::nullopt;
    entry.second.good.insert(std::move(*key));
  }
  return entry;
}

}  // namespace

std::string to_text(const PoolMemories& memories) {
  Json list = Json::array();
  for (const auto& [pool, memory] : memories) {
    Json good = Json::array();
    for (const model::BackendKey& key : memory.good)
      good.push_back(Json::array({key.address.to_string(), key.port}));
    list.push_back({{"pool", pool}, {"panic", memory.panic}, {"good", std::move(good)}});
  }
  return list.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<PoolMemories> pool_memories_of(std::string_view text) {
  const Json list = Json::parse(text, nullptr, false);
  if (!list.is_array()) return base::fail("it is no list of pools");
  PoolMemories memories;
  std::size_t remembered = 0;
  for (const Json& each : list) {
    remembered += 1 + (each.is_object() && each.contains("good") ? each["good"].size() : 0);
    if (remembered > kMostRemembered) return base::fail("it has too many entries");
    auto entry = memory_of(each);
    if (!entry) return base::fail("entry " + std::to_string(memories.size()) + " is no pool");
    if (!memories.insert(std::move(*entry)).second) return base::fail("a pool is in it twice");
  }
  return memories;
}

}  // namespace guideway::control
