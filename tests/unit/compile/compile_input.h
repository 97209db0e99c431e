// SPDX-License-Identifier: Apache-2.0
// A small input for compile(), to change in tests.
// Threading: no state.
#ifndef GUIDEWAY_TESTS_UNIT_COMPILE_COMPILE_INPUT_H_
#define GUIDEWAY_TESTS_UNIT_COMPILE_COMPILE_INPUT_H_

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "../../support/ip.h"
#include "guideway/compile/compile.h"

namespace guideway::compile {

using guideway::test::ip;

inline NextHop hop_to(std::uint8_t host) {
  NextHop hop;
  hop.state = NextHop::State::kResolved;
  hop.destination = Mac{{2, 0, 0, 0, 0, host}};
  hop.source = Mac{{2, 0, 0, 0, 0, 0xaa}};
  hop.preferred_source = ip("198.51.100.2");
  return hop;
}

inline model::Backend backend(std::uint8_t host) {
  model::Backend result;
  result.name = "b" + std::to_string(host);
  result.address = IpAddress::v4({10, 0, 0, host});
  return result;
}

/// Pools "web" (b1, b2, b3; l2dsr) and "dns" (b4; ipip), a service on each, all next hops known.
inline Input make_input() {
  Input input;
  input.ids = BackendIds(16);
  input.generation = 7;
  input.hash_seed = {1, 2, 3};
  model::Pool web;
  web.name = "web";
  web.table_size = 251;
  web.backends = {backend(1), backend(2), backend(3)};
  model::Pool dns;
  dns.name = "dns";
  dns.table_size = 67;
  dns.forwarding = model::Forwarding::kIpip;
  dns.backends = {backend(4)};
  input.model.pools = {web, dns};
  model::Service http;
  http.name = "http";
  http.address = ip("203.0.113.10");
  http.port = 80;
  http.pool = "web";
  model::Service names = http;
  names.name = "names";
  names.protocol = model::Protocol::kTcpUdp;
  names.port = 53;
  names.pool = "dns";
  names.idle_timeout = std::chrono::seconds(30);
  input.model.services = {http, names};
  for (std::uint8_t host = 1; host <= 9; ++host) {
    input.next_hops[IpAddress::v4({10, 0, 0, host})] = hop_to(host);
  }
  return input;
}

inline Output compiled(const Input& input) {
  auto output = compile(input);
  EXPECT_TRUE(output) << output.error().message;
  return std::move(output).value();
}

inline std::string error_of(const Input& input) {
  const auto output = compile(input);
  return output ? "no error" : output.error().message;
}

}  // namespace guideway::compile

#endif  // GUIDEWAY_TESTS_UNIT_COMPILE_COMPILE_INPUT_H_
