// SPDX-License-Identifier: Apache-2.0
#include "guideway/compile/next_hop.h"

namespace guideway::compile {

std::string describe(const NextHop& hop) {
  switch (hop.state) {
    case NextHop::State::kResolved:
      return "";
    case NextHop::State::kResolving:
      return "no neighbour yet: the next hop's MAC address has been asked for";
    case NextHop::State::kFailed:
      return "no neighbour: the next hop does not answer";
    case NextHop::State::kNoRoute:
      return "no route: the kernel's routing table does not know the address";
    case NextHop::State::kOtherInterface:
      return "wrong route: it leaves by an interface that is not Guideway's";
  }
  return "";
}

}  // namespace guideway::compile
