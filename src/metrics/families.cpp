// SPDX-License-Identifier: Apache-2.0
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include "families.h"

#include <prometheus/text_serializer.h>

#include <limits>

namespace guideway::metrics {

void Families::begin(const char* name, const char* help, prometheus::MetricType type) {
  print();
  one_.resize(1);
  one_.front().name = name;
  one_.front().help = help;
  one_.front().type = type;
}

void Families::print() {
  if (!one_.empty() && !one_.front().metric.empty())
    prometheus::TextSerializer().Serialize(out_, one_);
  one_.clear();
}

void Families::add_value(double value, Labels labels) {
  prometheus::ClientMetric metric;
  metric.label = std::move(labels);
  if (one_.front().type == prometheus::MetricType::Counter)
    metric.counter.value = value;
  else
    metric.gauge.value = value;
  one_.front().metric.push_back(std::move(metric));
}

void Families::histogram(const char* name, const char* help, const Lag& lag) {
  begin(name, help, prometheus::MetricType::Histogram);
  prometheus::ClientMetric metric;
  std::uint64_t so_far = 0;
  for (std::size_t i = 0; i < lag.counts.size(); i++) {
    so_far += lag.counts[i];
    const double bound =
        i < kLagBounds_s.size() ? kLagBounds_s[i] : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({so_far, bound});
  }
  metric.histogram.sample_count = so_far;
  metric.histogram.sample_sum = lag.sum_s;
  one_.front().metric.push_back(std::move(metric));
}

}  // namespace guideway::metrics
