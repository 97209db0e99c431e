// SPDX-License-Identifier: Apache-2.0
// What a packet case means: runs one through a driver and says in which facts it came out
// otherwise. Threading: one thread.
#ifndef GUIDEWAY_TESTS_PACKET_RUN_CASE_H_
#define GUIDEWAY_TESTS_PACKET_RUN_CASE_H_

#include <map>
#include <string>
#include <vector>

#include "tests/packet/driver.h"
#include "tests/packet/packet_case.h"

namespace guideway::test {

struct CaseResult {
  Sent sent;
  /// "reason: expected forwarded, got no_backend"; empty when everything is as expected.
  std::vector<std::string> differences;
};

/// Starts from nothing. Errors: the case could not be run at all.
Result<CaseResult> run_case(Driver& driver, const CaseFile& file, const PacketCase& each);

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_PACKET_RUN_CASE_H_
