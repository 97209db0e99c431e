// SPDX-License-Identifier: Apache-2.0
// What is read back from the state directory: hostile input. What is damaged or unknown is left
// out, and said.
// Threading: no state.
#ifndef GUIDEWAY_CONTROL_SAVED_STATE_H_
#define GUIDEWAY_CONTROL_SAVED_STATE_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guideway/control/desired_state.h"

namespace guideway::control {

struct SavedState {
  std::uint64_t revision = 0;
  /// Of the file that was in force; none: not known, then there is no history either.
  std::optional<config::Resources> base;
  std::vector<config::Change> overlay;
  Marks marks;
  std::deque<Revision> history;
  std::optional<Unconfirmed> unconfirmed;
};

/// The texts of to_text() and base_text(). Problems are sentences.
SavedState saved_state(std::string_view text, std::string_view base, SteadyTime now,
                       std::vector<std::string>& problems);

/// Whether saved_state() would take the revision back. What is made from hostile input may name
/// what no path names, or be too deep.
bool can_be_read_back(const Revision& revision);

}  // namespace guideway::control

#endif  // GUIDEWAY_CONTROL_SAVED_STATE_H_
