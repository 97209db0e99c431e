// SPDX-License-Identifier: Apache-2.0
// validate(): every rule that a model must keep before it may be compiled, whoever made it.
// Threading: no state.
#ifndef GUIDEWAY_MODEL_VALIDATE_H_
#define GUIDEWAY_MODEL_VALIDATE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "guideway/model/limits.h"
#include "guideway/model/model.h"

namespace guideway::model {

/// One rule that the model breaks.
struct Problem {
  /// Where, in the words of the configuration file: "pool[2].backends[0].weight". Indices from 0.
  std::string path;
  /// What is wrong and what is allowed.
  std::string message;
  /// Another place that the rule looked at, in the same form; empty if none. If that one was
  /// unreadable, the problem is no news.
  std::string related;
  friend bool operator==(const Problem&, const Problem&) = default;
};

/// Whether it is 1 to `longest` characters of A-Z a-z 0-9 . _ -
bool is_name(std::string_view text, std::size_t longest = kMaxNameSize);

/// How many there are of each, counted before any is read.
struct Sizes {
  std::size_t services = 0;
  std::size_t pools = 0;
  std::size_t backends = 0;
};

/// The problems with capacity that are certain from the sizes alone.
std::vector<Problem> too_many(const Sizes& sizes, const Capacity& capacity);

/// All problems, in the model's order; empty when the model can be compiled. A model with a part
/// missing (an empty name, address 0.0.0.0) gets that problem alone, not what follows from it.
/// Cost: O(n log n) in the number of services, pools, backends and interfaces; where pools name
/// fallbacks or NAT addresses, times their number.
std::vector<Problem> validate(const Model& model);

}  // namespace guideway::model

#endif  // GUIDEWAY_MODEL_VALIDATE_H_
