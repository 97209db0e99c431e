// SPDX-License-Identifier: Apache-2.0
// Services, pools and backends as the admin API names and shows them.
// Threading: no state.
#ifndef GUIDEWAY_CLI_RESOURCE_H_
#define GUIDEWAY_CLI_RESOURCE_H_

#include <string>

#include "command.h"
#include "json.h"
#include "outcome.h"

namespace guideway::cli {

struct Resource {
  /// "service", "pool" or "backend": also the name of the member of an answer.
  std::string kind;
  std::string name;
  /// "/v1/pools/web/backends/b1".
  std::string path;
  /// "/v1/pools/web/backends", and the member that has the list there.
  std::string list_path;
  std::string list_member;
};

/// What the command's first word and first argument say. Failures (kUsage): not POOL/BACKEND.
Outcome<Resource> resource_of(const Call& call);

/// Where the backends of a pool are listed.
std::string backends_path(const std::string& pool);

/// "KEY  VALUE" lines of an object and its tables, with dotted keys. Lists of tables, null and
/// empty texts are left out. Times in Unix seconds (…since_s) are shown as RFC 3339.
std::string fields_text(const Json& object);

}  // namespace guideway::cli

#endif  // GUIDEWAY_CLI_RESOURCE_H_
