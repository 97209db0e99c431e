// SPDX-License-Identifier: Apache-2.0
// The version of this program, from meson.build.
// Threading: constants.
#ifndef GUIDEWAY_BASE_VERSION_H_
#define GUIDEWAY_BASE_VERSION_H_

namespace guideway::base {

extern const char* const kVersion;

}  // namespace guideway::base

#endif  // GUIDEWAY_BASE_VERSION_H_
