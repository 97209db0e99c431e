// SPDX-License-Identifier: Apache-2.0
#include "decap_run.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace guideway::decap::test {
namespace {

constexpr std::size_t kRoom = 4096;

Program load(const Settings& settings) {
  auto program = Program::load(settings);
  if (!program) throw std::runtime_error(program.error().message);
  return std::move(*program);
}

}  // namespace

Settings test_settings() {
  Settings settings;
  for (const int i : {0, 1}) {
    settings.from.push_back(*parse_prefix(kDirector[i]));
    settings.vips.push_back(*parse_prefix(kVip[i]));
    settings.local.push_back(*IpAddress::parse(kBackend[i]));
    settings.host.push_back(*IpAddress::parse(kBackend[i]));
  }
  settings.host.push_back(*IpAddress::parse(kOtherDevice));
  return settings;
}

Runner::Runner(const Settings& settings) : program_(load(settings)) {}

Packets Runner::packets() const {
  auto packets = read_packets(program_.fd());
  if (!packets) throw std::runtime_error(packets.error().message);
  return *packets;
}

Outcome Runner::run(const Bytes& frame) {
  const Packets before = packets();
  Outcome outcome = run_uncounted(frame);
  const Packets after = packets();
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (after[i] == before[i]) continue;
    if (after[i] != before[i] + 1 || !outcome.reason.empty()) {
      outcome.reason.clear();
      return outcome;
    }
    outcome.reason = reasons()[i].name;
  }
  return outcome;
}

Outcome Runner::run_uncounted(const Bytes& frame) const {
  Outcome outcome;
  outcome.bytes.resize(kRoom);
  bpf_test_run_opts options{};
  options.sz = sizeof options;
  options.data_in = frame.data();
  options.data_size_in = static_cast<std::uint32_t>(frame.size());
  options.data_out = outcome.bytes.data();
  options.data_size_out = kRoom;
  options.repeat = 1;
  if (bpf_prog_test_run_opts(program_.fd(), &options) != 0)
    throw std::runtime_error(std::string("BPF_PROG_TEST_RUN: ") + std::strerror(errno));
  outcome.bytes.resize(options.data_size_out);
  if (options.retval != XDP_PASS && options.retval != XDP_DROP)
    throw std::runtime_error("verdict " + std::to_string(options.retval));
  outcome.passed = options.retval == XDP_PASS;
  return outcome;
}

}  // namespace guideway::decap::test
