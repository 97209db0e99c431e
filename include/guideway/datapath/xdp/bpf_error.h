// SPDX-License-Identifier: Apache-2.0
// What libbpf and the kernel's verifier print: kept, so that an error can quote its last lines.
// Threading: one LibbpfLog at a time.
#ifndef GUIDEWAY_DATAPATH_XDP_BPF_ERROR_H_
#define GUIDEWAY_DATAPATH_XDP_BPF_ERROR_H_

#include <string>

namespace guideway::datapath::xdp {

/// While it lives, libbpf's messages go here (and to the debug log), not to stderr.
class LibbpfLog {
 public:
  LibbpfLog();
  ~LibbpfLog();
  LibbpfLog(const LibbpfLog&) = delete;
  LibbpfLog& operator=(const LibbpfLog&) = delete;

  /// The last `lines` lines so far.
  std::string tail(unsigned lines) const;
};

/// Lines that an error message quotes.
inline constexpr unsigned kQuotedLines = 12;

}  // namespace guideway::datapath::xdp

#endif  // GUIDEWAY_DATAPATH_XDP_BPF_ERROR_H_
