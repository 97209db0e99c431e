// SPDX-License-Identifier: Apache-2.0
// Two slow and obvious models of Maglev, to hold the fast one against.
// Threading: no state.
// Source: Eisenbud et al., Maglev, NSDI 2016, §3.4.
#ifndef GUIDEWAY_TESTS_UNIT_COMPILE_MAGLEV_REFERENCE_H_
#define GUIDEWAY_TESTS_UNIT_COMPILE_MAGLEV_REFERENCE_H_

#include <cstdint>
#include <vector>

#include "guideway/compile/maglev.h"

namespace guideway::compile {

/// The rule that maglev_table() documents, played literally, slot by slot and with divisions.
/// REQUIRES: valid input.
std::vector<std::uint16_t> maglev_by_the_rule(std::vector<MaglevBackend> backends,
                                              std::uint32_t table_size);

/// The paper's algorithm: in turn, every backend takes its next free preference. Weights are
/// ignored.
std::vector<std::uint16_t> maglev_of_the_paper(std::vector<MaglevBackend> backends,
                                               std::uint32_t table_size);

}  // namespace guideway::compile

#endif  // GUIDEWAY_TESTS_UNIT_COMPILE_MAGLEV_REFERENCE_H_
