// SPDX-License-Identifier: Apache-2.0
// JSON as the tool reads and prints it.
// Threading: no state.
#ifndef GUIDEWAY_CLI_JSON_H_
#define GUIDEWAY_CLI_JSON_H_

#include <nlohmann/json.hpp>
#include <string>

namespace guideway::cli {

using Json = nlohmann::ordered_json;

/// One line, in UTF-8 whatever is in it, and a newline.
std::string json_line(const Json& json);

/// A member that is a string, safe for a terminal. REQUIRES it: throws Json::exception otherwise.
std::string text_of(const Json& object, const char* key);

/// A value as a person reads it: strings escaped and without quotes, the rest as JSON.
std::string plain(const Json& value);

}  // namespace guideway::cli

#endif  // GUIDEWAY_CLI_JSON_H_
