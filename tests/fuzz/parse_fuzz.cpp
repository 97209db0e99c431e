// SPDX-License-Identifier: Apache-2.0
// gw_parse() on any bytes that end exactly where their allocation ends.
#include <cstddef>
#include <cstdint>
#include <memory>

#include "guideway/core/port_native.h"
// After the port header.
#include "guideway/core/parse.h"
#include "tests/fuzz/require.h"
#include "tests/support/frame.h"

namespace {

using guideway::test::Frame;
using guideway::test::require;

/// What the later stages rely on when parsing has succeeded.
void require_flow(const gw_work& w, std::size_t size) {
  require(w.family == GW_FAMILY_4 || w.family == GW_FAMILY_6, "the family is known");
  require(w.protocol == GW_PROTO_TCP || w.protocol == GW_PROTO_UDP, "the protocol is one of ours");
  require(w.l3_offset == 14 || w.l3_offset == 18 || w.l3_offset == 22, "at most two tags");
  require(w.l3_offset + w.ip_length <= size, "the IP packet is within the frame");
  const unsigned l4_length = w.protocol == GW_PROTO_TCP ? GW_TCP_LENGTH : GW_UDP_LENGTH;
  require(w.l4_offset + l4_length <= w.l3_offset + w.ip_length,
          "the L4 header is within the IP packet");
  require(w.l4_offset >= w.l3_offset + GW_IPV4_LENGTH, "the L4 header follows the IP header");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Frame frame({data, size}, 0, 0);
  const gw_packet* packet = frame.packet();
  gw_work w;
  const gw_reason reason = gw_parse(packet->data, packet->end, &w);
  require(w.frame_length == size, "the length is the frame's");
  if (reason == GW_GO_ON) require_flow(w, size);
  if (gw_reason_verdict(reason) == GW_DROP)
    require(w.family != 0, "a drop is by destination address");
  require(gw_reason_verdict(reason) != GW_REPLY, "parsing answers nothing");
  return 0;
}
