// SPDX-License-Identifier: Apache-2.0
#include "json.h"

#include "guideway/base/text.h"

namespace guideway::cli {

std::string json_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string text_of(const Json& object, const char* key) {
  return base::escape_untrusted(object.at(key).get_ref<const std::string&>());
}

std::string plain(const Json& value) {
  if (value.is_string()) return base::escape_untrusted(value.get_ref<const std::string&>());
  return base::escape_untrusted(value.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace guideway::cli
