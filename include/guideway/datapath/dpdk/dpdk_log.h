// SPDX-License-Identifier: Apache-2.0
// What DPDK logs: passed on to our log, and the last complaint kept for error messages.
// Threading: all functions on any thread.
#ifndef GUIDEWAY_DATAPATH_DPDK_DPDK_LOG_H_
#define GUIDEWAY_DATAPATH_DPDK_DPDK_LOG_H_

#include <string>

namespace guideway::datapath::dpdk {

/// Errors and warnings of DPDK become warnings of ours, the rest debug messages. Call before EAL
/// starts.
void send_dpdk_log_to_ours();

/// The last warning or error that DPDK logged; "no reason given" when there was none since
/// clear_dpdk_log().
std::string recent_dpdk_log();
void clear_dpdk_log();

}  // namespace guideway::datapath::dpdk

#endif  // GUIDEWAY_DATAPATH_DPDK_DPDK_LOG_H_
