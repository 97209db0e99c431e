// SPDX-License-Identifier: Apache-2.0
// A plain configuration for tests that need one and do not care which; and next hops for any.
// Threading: no state.
#ifndef GUIDEWAY_TESTS_SUPPORT_PLAIN_CONFIG_H_
#define GUIDEWAY_TESTS_SUPPORT_PLAIN_CONFIG_H_

#include <string>

#include "guideway/compile/next_hop.h"
#include "guideway/model/model.h"

namespace guideway::test {

/// What FrameSpec's packets meet: VIPs 203.0.113.10 and 2001:db8:203::10; TCP and UDP on port 80 go
/// to pool "web" with eight backends, UDP on port 53 to pool "dns" with one. Idle timeouts: TCP 350
/// s, UDP 30 s. With "nat" only the services of outer_family are there, and backends have port
/// 6400.
struct PlainConfig {
  std::string forwarding = "l2dsr";
  std::string hash = "five_tuple";
  /// Of the backends' addresses, and with "nat" of the VIP.
  int outer_family = 4;
  std::string scheduler = "maglev";
  bool snat = true;
  bool clamp_mss = false;
  bool toa = false;
};
std::string config_text(const PlainConfig& config);
/// The same as a model; aborts the test program if it has errors.
model::Model make_model(const PlainConfig& config = {});

/// Every backend of the model is resolved: interface 1, MTU 1500, `vlans` tags.
compile::NextHops all_resolved(const model::Model& model, int vlans = 0);

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_SUPPORT_PLAIN_CONFIG_H_
