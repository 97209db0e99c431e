// SPDX-License-Identifier: Apache-2.0
// The decapsulator's BPF program: loading it with its settings, and reading a loaded one back.
// Threading: one thread. The program and its maps live as long as somebody holds them.
#ifndef GUIDEWAY_DECAP_PROGRAM_H_
#define GUIDEWAY_DECAP_PROGRAM_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "guideway/base/file_descriptor.h"
#include "guideway/base/result.h"
#include "guideway/decap/settings.h"

struct bpf_object;

namespace guideway::decap {

/// bpf/decap.bpf.c, compiled.
extern const std::span<const unsigned char> kDecapObject;

/// How the kernel lists our program.
inline constexpr std::string_view kProgramName = "gw_decap";

/// A program in the kernel. It goes when this object does, unless something else holds it.
class Program {
 public:
  /// Loads the program with these settings, which check() has accepted. `counters` is the
  /// descriptor of a predecessor's counters to go on with, or -1.
  static Result<Program> load(const Settings& settings, int counters = -1,
                              std::span<const unsigned char> object = kDecapObject);

  int fd() const { return fd_; }

 private:
  struct Closer {
    void operator()(bpf_object* object) const;
  };

  std::unique_ptr<bpf_object, Closer> object_;
  int fd_ = -1;
};

/// What a packet can become, in the order of Packets.
struct Reason {
  std::string_view name;
  std::string_view help;
  bool drops = false;
};
std::span<const Reason> reasons();
/// Packets so far, by reason, over all CPUs.
using Packets = std::vector<std::uint64_t>;

/// Of the program that `program` is a descriptor of; an error if it is not one of ours.
Result<Packets> read_packets(int program);
Result<Settings> read_settings(int program);
/// Its counters, for Program::load(); no descriptor if it has none that fit this version.
base::FileDescriptor open_counters(int program);

}  // namespace guideway::decap

#endif  // GUIDEWAY_DECAP_PROGRAM_H_
