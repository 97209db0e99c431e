// SPDX-License-Identifier: Apache-2.0
// Families: metrics of one name, made of values and printed one family at a time, so that never
// more than one is in memory twice.
// Threading: one thread.
#ifndef GUIDEWAY_METRICS_FAMILIES_H_
#define GUIDEWAY_METRICS_FAMILIES_H_

#include <prometheus/metric_family.h>

#include <cstdint>
#include <ostream>
#include <string>
#include <type_traits>
#include <vector>

#include "guideway/metrics/loop_lag.h"

namespace guideway::metrics {

using Labels = std::vector<prometheus::ClientMetric::Label>;

class Families {
 public:
  explicit Families(std::ostream& out) : out_(out) {}
  ~Families() { print(); }
  Families(const Families&) = delete;
  Families& operator=(const Families&) = delete;

  /// What is added from now on belongs to this counter, and so on. One that stays empty is not
  /// printed.
  void counter(const char* name, const char* help) {
    begin(name, help, prometheus::MetricType::Counter);
  }
  void gauge(const char* name, const char* help) {
    begin(name, help, prometheus::MetricType::Gauge);
  }

  template <typename Number, typename = std::enable_if_t<std::is_arithmetic_v<Number>>>
  void add(Number value, Labels labels = {}) {
    add_value(static_cast<double>(value), std::move(labels));
  }

  void histogram(const char* name, const char* help, const Lag& lag);

 private:
  void begin(const char* name, const char* help, prometheus::MetricType type);
  void add_value(double value, Labels labels);
  void print();

  std::ostream& out_;
  std::vector<prometheus::MetricFamily> one_;
};

}  // namespace guideway::metrics

#endif  // GUIDEWAY_METRICS_FAMILIES_H_
