// SPDX-License-Identifier: Apache-2.0
// What libbpf and the kernel's verifier print: kept, so that an error can quote its last lines.
// Threading: one LibbpfLog at a time in a process.
#ifndef GUIDEWAY_BPF_LIBBPF_LOG_H_
#define GUIDEWAY_BPF_LIBBPF_LOG_H_

#include <string>
#include <string_view>

namespace guideway::bpf {

/// While it lives, libbpf's messages go here (and to the debug log), not to stderr.
class LibbpfLog {
 public:
  LibbpfLog();
  ~LibbpfLog();
  LibbpfLog(const LibbpfLog&) = delete;
  LibbpfLog& operator=(const LibbpfLog&) = delete;

  /// Whether the verifier has said something.
  bool has_verifier_part() const;
  /// As many of the last lines as an error quotes: the verifier's, if it has said something.
  std::string quote() const;
};

/// The last lines of the verifier's part of a log, or of all of it if it has no such part.
std::string last_lines(std::string_view log, unsigned count);

}  // namespace guideway::bpf

#endif  // GUIDEWAY_BPF_LIBBPF_LOG_H_
