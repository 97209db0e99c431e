// SPDX-License-Identifier: Apache-2.0
// What DPDK logs: passed on to our log, or kept for an error message.
// Threading: all functions on any thread.
#ifndef GUIDEWAY_DATAPATH_DPDK_DPDK_LOG_H_
#define GUIDEWAY_DATAPATH_DPDK_DPDK_LOG_H_

#include <string>

namespace guideway::datapath::dpdk {

/// Errors and warnings of DPDK become warnings of ours, the rest debug messages. Call before EAL
/// starts.
void send_dpdk_log_to_ours();

/// While it lives, DPDK's complaints go to the debug log only, and the first is kept: for steps
/// whose failure is reported by a Result, and in which drivers grumble about what does not matter
/// here. REQUIRES: one at a time.
class DpdkComplaints {
 public:
  DpdkComplaints();
  ~DpdkComplaints();
  DpdkComplaints(const DpdkComplaints&) = delete;
  DpdkComplaints& operator=(const DpdkComplaints&) = delete;

  /// The first warning or error that DPDK logged so far; "no reason given" when there was none.
  std::string first() const;
};

}  // namespace guideway::datapath::dpdk

#endif  // GUIDEWAY_DATAPATH_DPDK_DPDK_LOG_H_
