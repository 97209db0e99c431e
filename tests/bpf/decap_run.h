// SPDX-License-Identifier: Apache-2.0
// Runs frames through the loaded decapsulator by BPF_PROG_TEST_RUN. Needs root.
// Threading: one thread.
#ifndef GUIDEWAY_TESTS_BPF_DECAP_RUN_H_
#define GUIDEWAY_TESTS_BPF_DECAP_RUN_H_

#include <string>

#include "decap_packet.h"
#include "guideway/decap/program.h"

namespace guideway::decap::test {

/// Directors, VIPs and the backend of decap_packet.h.
Settings test_settings();

struct Outcome {
  bool passed = false;
  Bytes bytes;
  /// The one counter that grew; "" if not looked at, or not exactly one grew by one.
  std::string reason;
};

class Runner {
 public:
  /// Throws with the error's text if the program does not load.
  explicit Runner(const Settings& settings = test_settings());

  Outcome run(const Bytes& frame);
  /// Four times quicker: without the reason.
  Outcome run_uncounted(const Bytes& frame) const;
  Packets packets() const;
  int program() const { return program_.fd(); }

 private:
  Program program_;
};

}  // namespace guideway::decap::test

#endif  // GUIDEWAY_TESTS_BPF_DECAP_RUN_H_
