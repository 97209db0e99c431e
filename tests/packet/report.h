// SPDX-License-Identifier: Apache-2.0
// What a failing packet case leaves for people: its packets as pcap, and a difference field by
// field. Threading: one thread.
#ifndef GUIDEWAY_TESTS_PACKET_REPORT_H_
#define GUIDEWAY_TESTS_PACKET_REPORT_H_

#include <string>

#include "tests/packet/run_case.h"

namespace guideway::test {

/// Where to put captures, and who compares frames.
struct ReportPlaces {
  std::string folder;
  /// tests/packet/oracle.py
  std::string oracle;
};

/// Writes "<folder>/<driver>-<topic>-<name>.pcap" with the packet, what was expected and what came,
/// in this order, and says in lines what is wrong.
std::string report_failure(const ReportPlaces& places, const std::string& driver,
                           const PacketCase& each, const CaseResult& result);

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_PACKET_REPORT_H_
