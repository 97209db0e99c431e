// SPDX-License-Identifier: Apache-2.0
// What the parts of validate() share: the list of problems, and small questions about one value.
// Threading: no state.
#ifndef GUIDEWAY_MODEL_CHECKS_H_
#define GUIDEWAY_MODEL_CHECKS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "guideway/model/limits.h"
#include "guideway/model/model.h"
#include "guideway/model/validate.h"

namespace guideway::model {

class Problems {
 public:
  void add(std::string path, std::string message, std::string related = {}) {
    list_.push_back({std::move(path), std::move(message), std::move(related)});
  }
  /// `value` outside `range` is a problem.
  void check_range(const std::string& path, std::int64_t value, const Range& range);
  /// Names have 1 to `longest` characters of A-Z a-z 0-9 . _ -
  void check_name(const std::string& path, std::string_view name,
                  std::size_t longest = kMaxNameSize);
  std::vector<Problem> take() { return std::move(list_); }

 private:
  std::vector<Problem> list_;
};

/// "parent[3]"
std::string element(std::string_view parent, std::size_t index);

/// Remembers names and who had them first. Empty names are not compared: they are a problem
/// already.
class UniqueNames {
 public:
  void check(Problems& problems, const std::string& path, const std::string& name);

 private:
  std::map<std::string, std::string> first_;
};

bool has_control_characters(std::string_view text);

/// Why a packet cannot be sent to this address, in words; none if it can.
std::optional<std::string> unusable(const IpAddress& address);

/// As unusable(), for the addresses of services and backends: link-local ones mean another host on
/// each link, and the configuration names none.
std::optional<std::string> unusable_beyond_link(const IpAddress& address);

/// services_of() of every pool that has some, in one pass. Of pools of one name, which is a problem
/// of its own, the first one's fallback counts.
std::map<std::string, std::vector<std::size_t>> services_of_all(const Model& model);

/// Facts of the whole model that the checks of one part need.
struct Facts {
  explicit Facts(const Model& model);

  /// Indices into Model::services.
  std::map<std::string, std::vector<std::size_t>> services_by_pool;
  std::map<IpAddress, std::size_t> service_by_vip;  // the first one
  std::map<IpAddress, std::size_t> interface_by_address;
  std::set<std::string> pool_names;
};

void check_director(Problems& problems, const Director& director);
void check_capacity(Problems& problems, const Model& model);
void check_admin(Problems& problems, const Admin& admin);
void check_interfaces(Problems& problems, const Model& model);
void check_pools(Problems& problems, const Model& model, const Facts& facts);
/// The parts of check_pools.
void check_backends(Problems& problems, const Model& model, const Facts& facts, std::size_t pool);
void check_nat(Problems& problems, const Model& model, const Facts& facts, std::size_t pool);
void check_health_check(Problems& problems, const Model& model, const Facts& facts,
                        std::size_t pool);
void check_services(Problems& problems, const Model& model, const Facts& facts);

}  // namespace guideway::model

#endif  // GUIDEWAY_MODEL_CHECKS_H_
