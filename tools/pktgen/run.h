// SPDX-License-Identifier: Apache-2.0
// One run: the devices, a thread that sends, a thread that receives, progress on stderr, and the
// result on stdout.
// Threading: main thread.
#ifndef GUIDEWAY_TOOLS_PKTGEN_RUN_H_
#define GUIDEWAY_TOOLS_PKTGEN_RUN_H_

#include "guideway/base/result.h"
#include "options.h"

namespace guideway::pktgen {

/// Whether all was good. Errors: it could not be run.
Result<bool> run(const Options& options);

}  // namespace guideway::pktgen

#endif  // GUIDEWAY_TOOLS_PKTGEN_RUN_H_
