// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/tap_driver.h"

#include <csignal>

namespace guideway::datapath::dpdk {

PlainPollingForNetTap::PlainPollingForNetTap() {
  for (int number = SIGRTMIN + 1; number < SIGRTMAX; number++) {
    struct sigaction now {};
    if (sigaction(number, nullptr, &now) != 0 || now.sa_handler != SIG_DFL) continue;
    struct sigaction taken {};
    taken.sa_handler = SIG_IGN;
    if (sigaction(number, &taken, nullptr) == 0) taken_.push_back(number);
  }
}

PlainPollingForNetTap::~PlainPollingForNetTap() {
  for (int number : taken_) std::signal(number, SIG_DFL);
}

}  // namespace guideway::datapath::dpdk
