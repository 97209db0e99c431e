// SPDX-License-Identifier: Apache-2.0
// Makes one GoogleTest test of every packet case: the main program of every packet_<driver>_test.
// Threading: main thread.
#ifndef GUIDEWAY_TESTS_PACKET_ALL_CASES_H_
#define GUIDEWAY_TESTS_PACKET_ALL_CASES_H_

#include <string>

#include "tests/packet/driver.h"

namespace guideway::test {

/// Registers all cases as <driver>_<topic>.<name>; `driver` outlives the run. Returns false, having
/// said why, if the case files cannot be read.
bool register_all_cases(Driver& driver, const std::string& driver_name);

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_PACKET_ALL_CASES_H_
