// SPDX-License-Identifier: Apache-2.0
// Director: one running guidewayd, put together. run() starts the parts in order, runs the event
// loop until SIGTERM or SIGINT, and takes the parts down in the opposite order. Threading: the
// thread that calls run() becomes the control thread.
#ifndef GUIDEWAY_APP_DIRECTOR_H_
#define GUIDEWAY_APP_DIRECTOR_H_

#include <string>

#include "guideway/base/result.h"
#include "guideway/config/config.h"
#include "guideway/model/model.h"

namespace guideway::app {

/// `file` is the good content of `config_file`, which is read again at SIGHUP. Errors: whatever
/// keeps it from starting; nothing is left behind then.
Result<void> run(const config::LoadResult& file, const std::string& config_file);

/// Takes off what a director that is not running has left: programs, flow table, addresses.
/// Errors: it runs, or has left nothing.
Result<void> detach(const model::Model& model);

}  // namespace guideway::app

#endif  // GUIDEWAY_APP_DIRECTOR_H_
