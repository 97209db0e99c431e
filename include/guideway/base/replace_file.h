// SPDX-License-Identifier: Apache-2.0
// Threading: no state; one caller at a time for a name.
#ifndef GUIDEWAY_BASE_REPLACE_FILE_H_
#define GUIDEWAY_BASE_REPLACE_FILE_H_

#include <string>
#include <string_view>

namespace guideway::base {

/// Puts a file with these bytes (mode 0600) in place of `name` in the open directory `dir`, whole
/// or not at all: NAME.new, fsync, rename. No link is followed. Returns an errno; 0 is done.
int replace_file(int dir, const std::string& name, std::string_view bytes);

}  // namespace guideway::base

#endif  // GUIDEWAY_BASE_REPLACE_FILE_H_
