// SPDX-License-Identifier: Apache-2.0
// What docs/openapi.json says, and whether a value is as it says: with every key that is required,
// and no key that is not described.
// Threading: no state.
// Source: OpenAPI 3.0.3, Schema Object, as far as the file uses it.
#ifndef GUIDEWAY_TESTS_UNIT_ADMIN_FITS_SCHEMA_H_
#define GUIDEWAY_TESTS_UNIT_ADMIN_FITS_SCHEMA_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

namespace guideway::admin {

using ApiJson = nlohmann::ordered_json;

/// The whole file; null if it is not JSON.
inline const ApiJson& described_api() {
  static const ApiJson kApi = [] {
    std::ifstream file(GUIDEWAY_SOURCE_ROOT "/docs/openapi.json");
    return ApiJson::parse(file, nullptr, false);
  }();
  return kApi;
}

/// Where it says what `name` is.
inline ApiJson schema_named(const std::string& name) {
  return {{"$ref", "#/components/schemas/" + name}};
}

inline bool has_type(const std::string& type, const ApiJson& value) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "integer") return value.is_number_integer();
  return type == "number" && value.is_number();
}

inline void expect_fits(const ApiJson& schema, const ApiJson& value, const std::string& where) {
  if (schema.contains("$ref")) {
    const std::string reference = schema["$ref"];
    const ApiJson::json_pointer at(reference.substr(1));
    ASSERT_TRUE(described_api().contains(at)) << where << ": " << reference;
    return expect_fits(described_api()[at], value, where);
  }
  if (value.is_null() && schema.value("nullable", false)) return;
  for (const ApiJson& part : schema.value("allOf", ApiJson::array()))
    expect_fits(part, value, where);
  if (schema.contains("type")) {
    EXPECT_TRUE(has_type(schema["type"], value)) << where << " is " << value << ": " << schema;
  }
  if (schema.contains("enum")) {
    EXPECT_EQ(std::count(schema["enum"].begin(), schema["enum"].end(), value), 1)
        << where << " is " << value << ": " << schema;
  }
  for (const ApiJson& key : schema.value("required", ApiJson::array()))
    EXPECT_TRUE(value.contains(key.get<std::string>())) << where << " has no " << key;
  if (value.is_array() && schema.contains("items"))
    for (const ApiJson& item : value) expect_fits(schema["items"], item, where + "[]");
  if (!value.is_object() || schema.contains("allOf")) return;
  const ApiJson known = schema.value("properties", ApiJson::object());
  const ApiJson others = schema.value("additionalProperties", ApiJson(false));
  for (const auto& [key, each] : value.items()) {
    const std::string part = where + "." + key;
    if (known.contains(key))
      expect_fits(known[key], each, part);
    else if (others.is_object())
      expect_fits(others, each, part);
    else
      EXPECT_EQ(others, true) << part << " is not described";
  }
}

}  // namespace guideway::admin

#endif  // GUIDEWAY_TESTS_UNIT_ADMIN_FITS_SCHEMA_H_
