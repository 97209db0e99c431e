// SPDX-License-Identifier: Apache-2.0
// One function for each section of the file. Each fills its part of the model, with defaults where
// the file says nothing or something wrong, so that the rules of the model can be checked in any
// case. Threading: no state.
#ifndef GUIDEWAY_CONFIG_SECTIONS_H_
#define GUIDEWAY_CONFIG_SECTIONS_H_

#include <string>

#include "document.h"
#include "errors.h"
#include "guideway/model/model.h"
#include "table_reader.h"

namespace guideway::config {

model::Director read_director(const Node& node, const std::string& path, Errors& errors);
model::Capacity read_capacity(const Node& node, const std::string& path, Errors& errors);
model::Admin read_admin(const Node& node, const std::string& path, Errors& errors);
model::Interface read_interface(const Node& node, const std::string& path, Errors& errors);
model::Pool read_pool(const Node& node, const std::string& path, Errors& errors);
model::HealthCheck read_health_check(const Node& node, const std::string& path, Errors& errors);
model::Service read_service(const Node& node, const std::string& path, Errors& errors);

/// [[pool]] and [[service]], one element of the model for each table, right or wrong: the paths of
/// the model's rules are the file's.
/// `root` is the table that `file` reads. More than model.capacity has room for is not read at all.
void read_changeable(TableReader& file, const Node& root, Errors& errors, model::Model& model);

}  // namespace guideway::config

#endif  // GUIDEWAY_CONFIG_SECTIONS_H_
