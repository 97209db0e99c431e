// SPDX-License-Identifier: Apache-2.0
#include "tests/support/generations.h"

#include <string>
#include <utility>

#include "guideway/config/config.h"

namespace guideway::test {

Result<model::Model> parse_config(std::string_view toml) {
  config::LoadResult loaded = config::parse(toml, "test.toml");
  if (loaded.model) return std::move(*loaded.model);
  std::string all;
  for (const std::string& error : loaded.errors) all += error + "\n";
  return base::fail(all);
}

Result<compile::ForwardingStatePtr> Generations::next(const model::Model& model,
                                                      const compile::NextHops& next_hops) {
  const compile::Input input{.model = model,
                             .next_hops = next_hops,
                             .hash_seed = model.director.hash_seed.value_or(model::HashSeed{}),
                             .generation = ++generation_,
                             .ids = ids_,
                             .service_ids = service_ids_,
                             .nat_ids = nat_ids_};
  Result<compile::Output> output = compile::compile(input);
  if (!output) return tl::unexpected(output.error());
  ids_ = std::move(output->ids);
  service_ids_ = std::move(output->service_ids);
  nat_ids_ = std::move(output->nat_ids);
  return std::move(output->state);
}

void Generations::forget_ids() {
  ids_ = compile::BackendIds(capacity_);
  service_ids_.clear();
  nat_ids_ = compile::NatIds(nat_planes_);
}

}  // namespace guideway::test
