// SPDX-License-Identifier: Apache-2.0
#include "small_run.h"

#include <algorithm>

namespace guideway::pktgen::test {

SmallRun::SmallRun(const RunSpec& spec)
    : spec_(spec),
      flows_(spec.seed, {IpAddress::parse(spec.vip).value()}, 80, spec.protocol),
      builder_(flows_, Sizes{spec.size, 1500, spec.stamped}, kClientMac, kGatewayMac),
      sink_(flows_, spec.flows, Sizes{spec.size, 1500, spec.stamped}, kGatewayMac, spec.between) {}

Bytes SmallRun::sent(const Step& step, std::uint64_t now_ns) const {
  Bytes frame(kEthernetLength + 1500);
  frame.resize(builder_.build(step, frame.data(), now_ns));
  return frame;
}

Bytes forwarded(Bytes frame, std::uint8_t number) {
  const Bytes destination = {2, 0, 0, 0, 1, number};
  std::copy(kGatewayMac.bytes.begin(), kGatewayMac.bytes.end(), frame.begin() + 6);
  std::copy(destination.begin(), destination.end(), frame.begin());
  if (frame[12] == 0x08) {
    frame[kEthernetLength + 8]--;
    fix_ipv4_checksum(frame);
  } else {
    frame[kEthernetLength + 7]--;
  }
  return frame;
}

void fix_ipv4_checksum(Bytes& frame, std::size_t ip) {
  frame[ip + 10] = frame[ip + 11] = 0;
  const auto sum = guideway::test::internet_sum(std::span(frame).subspan(ip, 20));
  frame[ip + 10] = static_cast<std::uint8_t>(~sum >> 8);
  frame[ip + 11] = static_cast<std::uint8_t>(~sum);
}

}  // namespace guideway::pktgen::test
