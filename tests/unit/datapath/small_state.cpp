// SPDX-License-Identifier: Apache-2.0
#include "small_state.h"

#include <cstdio>
#include <cstdlib>

#include "guideway/compile/compile.h"

namespace guideway::datapath::dpdk::testing {
namespace {

constexpr std::size_t kEthernet = 14;
constexpr std::size_t kIpv4 = 20;
constexpr std::size_t kTcp = 20;
constexpr std::uint8_t kSyn = 0x02;
constexpr std::uint8_t kAck = 0x10;

compile::NextHop hop_to(std::uint8_t host, std::uint16_t out) {
  compile::NextHop hop;
  hop.state = compile::NextHop::State::kResolved;
  hop.destination = Mac{{2, 0, 0, 0, 0, host}};
  hop.source = Mac{{2, 0, 0, 0, 0, 0xaa}};
  hop.interface_index = out;
  hop.preferred_source = IpAddress::v4({198, 51, 100, 2});
  return hop;
}

void put16(std::vector<std::uint8_t>& frame, std::size_t at, std::size_t value) {
  frame[at] = static_cast<std::uint8_t>(value >> 8);
  frame[at + 1] = static_cast<std::uint8_t>(value);
}

std::vector<std::uint8_t> tcp_frame(std::uint8_t client, std::uint16_t port, std::uint8_t flags,
                                    std::size_t payload) {
  std::vector<std::uint8_t> frame(kEthernet + kIpv4 + kTcp + payload);
  frame[0] = 2;  // unicast
  put16(frame, 12, 0x0800);
  std::uint8_t* ip = &frame[kEthernet];
  ip[0] = 0x45;
  put16(frame, kEthernet + 2, kIpv4 + kTcp + payload);
  ip[8] = 64;
  ip[9] = GW_PROTO_TCP;
  const std::uint8_t addresses[] = {192, 0, 2, client, 203, 0, 113, 10};
  std::copy(std::begin(addresses), std::end(addresses), ip + 12);
  put16(frame, kEthernet + kIpv4, port);
  put16(frame, kEthernet + kIpv4 + 2, 80);
  frame[kEthernet + kIpv4 + 12] = 0x50;
  frame[kEthernet + kIpv4 + 13] = flags;
  return frame;
}

}  // namespace

compile::ForwardingStatePtr small_state(std::uint64_t generation, std::uint16_t out) {
  compile::Input input;
  input.ids = compile::BackendIds(16);
  input.generation = generation;
  input.hash_seed = {1, 2, 3};
  model::Pool pool;
  pool.name = "web";
  pool.table_size = 251;
  for (std::uint8_t host = 1; host <= kBackends; host++) {
    model::Backend backend;
    backend.name = "b" + std::to_string(host);
    backend.address = IpAddress::v4({10, 0, 0, host});
    pool.backends.push_back(backend);
    input.next_hops[backend.address] = hop_to(host, out);
  }
  model::Service service;
  service.name = "web";
  service.address = IpAddress::v4({203, 0, 113, 10});
  service.port = 80;
  service.pool = "web";
  input.model.pools = {pool};
  input.model.services = {service};
  auto output = compile::compile(input);
  if (!output) {
    std::fprintf(stderr, "small_state: %s\n", output.error().message.c_str());
    std::abort();
  }
  return output->state;
}

std::vector<std::uint8_t> syn_frame(std::uint8_t client, std::uint16_t port) {
  return tcp_frame(client, port, kSyn, 0);
}

std::vector<std::uint8_t> ack_frame(std::uint8_t client, std::uint16_t port, std::size_t payload) {
  return tcp_frame(client, port, kAck, payload);
}

std::vector<std::uint8_t> arp_frame() {
  std::vector<std::uint8_t> frame(60);
  std::fill(frame.begin(), frame.begin() + 6, std::uint8_t{0xff});
  put16(frame, 12, 0x0806);
  return frame;
}

unsigned backend_of(const std::vector<std::uint8_t>& frame) {
  const bool ours = frame[0] == 2 && frame[4] == 0 && frame[5] >= 1 && frame[5] <= kBackends;
  return ours ? frame[5] : 0;
}

std::uint16_t client_port(const std::vector<std::uint8_t>& frame) {
  return static_cast<std::uint16_t>(frame[kEthernet + kIpv4] << 8 | frame[kEthernet + kIpv4 + 1]);
}

}  // namespace guideway::datapath::dpdk::testing
