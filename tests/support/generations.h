// SPDX-License-Identifier: Apache-2.0
// Generations: one forwarding state after the other, as the controller would make them, with
// backend ids that stay. And parse_config(), for models out of text. Threading: one thread.
#ifndef GUIDEWAY_TESTS_SUPPORT_GENERATIONS_H_
#define GUIDEWAY_TESTS_SUPPORT_GENERATIONS_H_

#include <cstdint>
#include <string_view>

#include "guideway/base/result.h"
#include "guideway/compile/compile.h"

namespace guideway::test {

/// The model of a configuration file's text. Errors: everything that is wrong with it.
Result<model::Model> parse_config(std::string_view toml);

class Generations {
 public:
  explicit Generations(std::uint32_t backend_capacity, std::uint32_t nat_planes = 0)
      : capacity_(backend_capacity),
        nat_planes_(nat_planes),
        ids_(backend_capacity),
        nat_ids_(nat_planes) {}

  /// Compiles the next generation; ids stay with their backends and services.
  Result<compile::ForwardingStatePtr> next(const model::Model& model,
                                           const compile::NextHops& next_hops);
  /// All ids are free again. Generations go on counting.
  void forget_ids();

 private:
  std::uint32_t capacity_;
  std::uint32_t nat_planes_;
  compile::BackendIds ids_;
  compile::NatIds nat_ids_;
  compile::ServiceIds service_ids_;
  std::uint64_t generation_ = 0;
};

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_SUPPORT_GENERATIONS_H_
