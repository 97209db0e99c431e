// SPDX-License-Identifier: Apache-2.0
// The director's status as Prometheus reads it (text format 0.0.4). docs/operations.md has a row
// for each metric. It holds no secret, as the status does not. Threading: no state; takes about 20
// us a backend, so not on the control thread. Source: prometheus.io, "Exposition formats" and
// "Metric and label naming".
#ifndef GUIDEWAY_METRICS_RENDER_H_
#define GUIDEWAY_METRICS_RENDER_H_

#include <string>

#include "guideway/control/status.h"
#include "guideway/metrics/loop_lag.h"

namespace guideway::metrics {

/// One moment's figures, to be taken on the control thread.
struct Snapshot {
  control::Status status;
  Lag lag;
};

std::string render(const Snapshot& snapshot);

}  // namespace guideway::metrics

#endif  // GUIDEWAY_METRICS_RENDER_H_
