// SPDX-License-Identifier: Apache-2.0
// What libbpf says, kept instead of printed: the verifier's words are in it.
// Threading: one capture at a time in a process.
#ifndef GUIDEWAY_DECAP_LIBBPF_LOG_H_
#define GUIDEWAY_DECAP_LIBBPF_LOG_H_

#include <string>
#include <string_view>

namespace guideway::decap {

/// Collects from its construction to its end.
class LibbpfLog {
 public:
  LibbpfLog();
  ~LibbpfLog();
  LibbpfLog(const LibbpfLog&) = delete;
  LibbpfLog& operator=(const LibbpfLog&) = delete;

  const std::string& text() const;
};

/// The last lines of the verifier's part of a log, or of all of it if it has no such part.
std::string last_lines(std::string_view log, unsigned count);

}  // namespace guideway::decap

#endif  // GUIDEWAY_DECAP_LIBBPF_LOG_H_
