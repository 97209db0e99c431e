// SPDX-License-Identifier: Apache-2.0
// Ids and sentences about changes, for log and answers.
// Threading: no state.
#ifndef GUIDEWAY_CONTROL_CHANGE_TEXT_H_
#define GUIDEWAY_CONTROL_CHANGE_TEXT_H_

#include <cstdint>
#include <string>

namespace guideway::control {

/// 16 hexadecimal digits, random.
std::string make_change_id();

std::string revision_conflict(std::uint64_t wanted, std::uint64_t running);

}  // namespace guideway::control

#endif  // GUIDEWAY_CONTROL_CHANGE_TEXT_H_
