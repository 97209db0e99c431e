// SPDX-License-Identifier: Apache-2.0
// Any bytes in the state directory. The input is text in parts, separated by lines "%%": the files
// "desired", "file" and "health" without their first lines, then a file with its first line, then
// "pools" without. What is taken keeps the model's rules, is what would be saved again, and damage
// is said. The checksum of "file" in "desired" is put right, too: a fuzzer does not guess it.
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <boost/crc.hpp>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "guideway/config/config.h"
#include "guideway/control/desired_state.h"
#include "guideway/control/pool_memories_text.h"
#include "guideway/control/state_dir.h"
#include "guideway/health/verdicts_text.h"
#include "guideway/model/validate.h"
#include "tests/fuzz/require.h"
#include "tests/support/temporary_dir.h"

namespace guideway::test {
namespace {

using control::DesiredState;
using control::Revised;

const config::LoadResult& file() {
  static const config::LoadResult loaded = config::parse(R"(
[capacity]
slots = 2000
[[interface]]
name = "wan"
device = "vdev:net_null0"
[[pool]]
name = "web"
table_size = 67
backends = [{ name = "b1", address = "10.0.0.1" }, { name = "b2", address = "10.0.0.2" }]
[[service]]
name = "http"
address = "203.0.113.10"
port = 80
pool = "web"
)",
                                                         "f");
  return loaded;
}

control::Moment now() { return {std::chrono::system_clock::from_time_t(1'700'000'000), {}}; }

/// With the checksum that belongs to `base`, if it can have one.
std::string sealed(std::string_view text, std::string_view base) {
  constexpr int kDeep = 40;
  const auto watch = [](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    return depth < kDeep;
  };
  nlohmann::json json = nlohmann::json::parse(text, watch, false);
  if (!json.is_object()) return std::string(text);
  boost::crc_32_type crc;
  crc.process_bytes(base.data(), base.size());
  json["base_crc"] = crc.checksum();
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void require_order(const Revised& restored) {
  require(model::validate(restored.model).empty(), "what is restored keeps the model's rules");
  const DesiredState& state = restored.state;
  const auto read = config::read_resources(*file().model, state.running);
  require(read.errors.empty(), "its words can be read again");
  require(!state.history.empty() && state.history.size() <= DesiredState::kMostRevisions,
          "there is a history");
  require(state.base == file().resources, "the file is the base");
}

void try_desired(std::string_view text, std::string_view base) {
  const Revised first = control::restore(file(), text, base, now());
  require_order(first);
  const DesiredState& state = first.state;
  const Revised again =
      control::restore(file(), control::to_text(state), control::base_text(state), now());
  require_order(again);
  require(again.dropped.empty(), "what was saved is taken back whole");
  require(again.state.running == state.running, "the configuration is the same");
  require(again.model == first.model, "and the model");
  require(again.state.revision == state.revision, "there is no new revision");
  require(again.state.history.size() == state.history.size(), "the history is the same");
  require(again.state.marks == state.marks, "the marks are the same");
  require(again.state.unconfirmed.has_value() == state.unconfirmed.has_value(),
          "what waits still waits");
  require(!state.unconfirmed || again.state.unconfirmed->lost == state.unconfirmed->lost,
          "and brings back what it would have");
}

void try_health(std::string_view text) {
  const auto verdicts = health::verdicts_of(text);
  if (!verdicts) return;
  const auto again = health::verdicts_of(health::to_text(*verdicts));
  require(again && again->size() == verdicts->size(), "verdicts that are saved can be read");
}

void try_pools(std::string_view text) {
  const auto memories = control::pool_memories_of(text);
  if (!memories) return;
  const auto again = control::pool_memories_of(control::to_text(*memories));
  require(again && *again == *memories, "what pools remember is read back as it was saved");
}

/// The bytes as they lie on the disk.
void try_file(std::string_view bytes) {
  static const TemporaryDir folder;
  static const auto dir = control::StateDir::open(folder.path("state"));
  const std::string path = folder.path("state/desired");
  std::ofstream(path, std::ios::binary) << bytes;
  chmod(path.c_str(), 0600);
  const auto content = dir->load("desired");
  if (!content) return;
  require(bytes.ends_with(*content), "the content is the file's");
  require(dir->save("desired", *content).has_value() && dir->load("desired") == *content,
          "and would be saved alike");
}

}  // namespace
}  // namespace guideway::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace guideway::test;
  spdlog::set_level(spdlog::level::off);
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::array<std::string_view, 5> parts;
  for (std::string_view& part : parts) {
    constexpr std::string_view kSeparator = "\n%%\n";
    const std::size_t end = std::min(rest.find(kSeparator), rest.size());
    part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + kSeparator.size(), rest.size()));
  }
  const auto& [desired, base, health, bytes, pools] = parts;
  try_desired(desired, base);
  try_desired(sealed(desired, base), base);
  try_health(health);
  try_file(bytes);
  try_pools(pools);
  return 0;
}
