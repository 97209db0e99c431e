// SPDX-License-Identifier: Apache-2.0
// Two passes: the parser that makes values while a callback watches looks, at the end of each
// object, through all that stands beside it. A megabyte of "{}," takes it minutes.
#include "guideway/config/json_text.h"

#include <optional>
#include <string>
#include <vector>

namespace guideway::config {
namespace {

/// Sees each token and keeps no value.
class Watch : public nlohmann::json_sax<Json> {
 public:
  explicit Watch(const JsonBounds& bounds) : bounds_(bounds) {}

  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return true; }
  bool number_integer(number_integer_t /*value*/) override { return true; }
  bool number_unsigned(number_unsigned_t /*value*/) override { return true; }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return true; }
  bool string(string_t& /*value*/) override { return true; }
  bool binary(binary_t& /*value*/) override { return true; }
  bool start_object(std::size_t /*size*/) override { return enter(); }
  bool start_array(std::size_t /*size*/) override { return enter(); }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }
  bool key(string_t& /*value*/) override {
    if (++keys_.back() > bounds_.most_keys) fault = JsonFault::kTooManyKeys;
    return !fault;
  }
  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const Json::exception& /*error*/) override {
    fault = JsonFault::kNotJson;
    return false;
  }

  std::optional<JsonFault> fault;

 private:
  bool enter() {
    if (keys_.size() == bounds_.most_levels) fault = JsonFault::kTooDeep;
    keys_.push_back(0);
    return !fault;
  }
  bool leave() {
    keys_.pop_back();
    return true;
  }

  const JsonBounds bounds_;
  std::vector<std::size_t> keys_;  // of each level
};

}  // namespace

std::string words_of(JsonFault fault, const JsonBounds& bounds) {
  switch (fault) {
    case JsonFault::kTooDeep:
      return "is nested deeper than " + std::to_string(bounds.most_levels) + " levels";
    case JsonFault::kTooManyKeys:
      return "has an object of more than " + std::to_string(bounds.most_keys) + " keys";
    case JsonFault::kNotJson:
      break;
  }
  return "is not JSON";
}

tl::expected<Json, JsonFault> parse_json(std::string_view text, const JsonBounds& bounds) {
  Watch watch(bounds);
  Json::sax_parse(text, &watch);
  if (watch.fault) return tl::unexpected(*watch.fault);
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return tl::unexpected(JsonFault::kNotJson);
  return json;
}

}  // namespace guideway::config
