// SPDX-License-Identifier: Apache-2.0
#include "core_tables.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace guideway::bench {
namespace {

/// `network` with the low 16 bits replaced.
IpAddress numbered(Family family, std::uint8_t network, std::uint32_t index) {
  const auto high = static_cast<std::uint8_t>(index >> 8);
  const auto low = static_cast<std::uint8_t>(index);
  if (family == Family::kIpv4) return IpAddress::v4({198, network, high, low});
  return IpAddress::v6({0x20, 0x01, 0x0d, 0xb8, 0, network, 0, 0, 0, 0, 0, 0, 0, 0, high, low});
}

constexpr std::uint8_t kServiceNetwork = 18;
constexpr std::uint8_t kBackendNetwork = 19;
constexpr std::uint8_t kNatNetwork = 20;
constexpr std::uint16_t kBackendPort = 6400;

model::Pool make_pool(const TableSpec& spec) {
  model::Pool pool;
  pool.name = "pool";
  pool.forwarding = spec.forwarding;
  pool.table_size = spec.table_size;
  if (spec.forwarding == model::Forwarding::kVxlan)
    pool.vxlan = model::Vxlan{.vni = 100, .inner_mac = {{2, 0x67, 0x77, 0, 0, 1}}};
  for (std::uint32_t i = 0; i < spec.backends; i++) {
    model::Backend backend;
    backend.name = std::to_string(i);
    backend.address = numbered(spec.family, kBackendNetwork, i + 1);
    if (spec.forwarding == model::Forwarding::kNat) backend.port = kBackendPort;
    pool.backends.push_back(std::move(backend));
  }
  for (std::uint32_t i = 0; i < spec.nat_sources; i++)
    pool.nat_sources.push_back(numbered(spec.family, kNatNetwork, i + 1));
  return pool;
}

model::Model make_model(const TableSpec& spec) {
  model::Model model;
  model.capacity.services = std::max(model.capacity.services, 2 * spec.services);
  model.capacity.backends = std::max(model.capacity.backends, spec.backends);
  model.interfaces.push_back({.name = "wan", .device = "vdev:net_null0", .addresses = {}});
  model.pools.push_back(make_pool(spec));
  for (std::uint32_t i = 0; i < spec.services; i++) {
    model::Service service;
    service.name = std::to_string(i);
    service.address = service_address(spec.family, i);
    service.protocol = spec.protocol;
    service.port = kServicePort;
    service.pool = "pool";
    model.services.push_back(std::move(service));
  }
  return model;
}

compile::NextHops make_next_hops(const model::Pool& pool, Family family) {
  compile::NextHops hops;
  for (std::size_t i = 0; i < pool.backends.size(); i++) {
    compile::NextHop hop;
    hop.state = compile::NextHop::State::kResolved;
    hop.destination = {
        {2, 0, 0, 1, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}};
    hop.source = {{2, 0, 0, 0, 0, 1}};
    hop.preferred_source = numbered(family, kBackendNetwork, 0xffff);
    hops[pool.backends[i].address] = hop;
  }
  return hops;
}

}  // namespace

IpAddress service_address(Family family, std::uint32_t index) {
  return numbered(family, kServiceNetwork, index + 1);
}

Generations::Generations(const TableSpec& spec) {
  input_.model = make_model(spec);
  input_.next_hops = make_next_hops(input_.model.pools[0], spec.family);
  for (std::size_t i = 0; i < input_.hash_seed.size(); i++)
    input_.hash_seed[i] = static_cast<std::uint8_t>(i + 1);
  for (std::size_t i = 0; i < sizeof spec.seed; i++)
    input_.hash_seed[i] = static_cast<std::uint8_t>(input_.hash_seed[i] ^ (spec.seed - 1) >> 8 * i);
  input_.ids = compile::BackendIds(input_.model.capacity.backends);
  input_.nat_ids = compile::NatIds(spec.nat_sources);
}

Result<compile::ForwardingStatePtr> Generations::next() {
  input_.generation++;
  Result<compile::Output> output = compile::compile(input_);
  if (!output) return tl::unexpected(output.error());
  input_.ids = output->ids;
  input_.service_ids = output->service_ids;
  input_.nat_ids = output->nat_ids;
  input_.pool_memories = output->pool_memories;
  input_.previous = output->state;
  return output->state;
}

Result<compile::ForwardingStatePtr> make_tables(const TableSpec& spec) {
  return Generations(spec).next();
}

}  // namespace guideway::bench
