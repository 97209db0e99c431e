// SPDX-License-Identifier: Apache-2.0
#ifndef GUIDEWAY_TESTS_UNIT_CONFIG_INTERFACE_LINE_H_
#define GUIDEWAY_TESTS_UNIT_CONFIG_INTERFACE_LINE_H_

namespace guideway::config {

/// What every configuration needs at least.
constexpr const char* kInterface = "interface = [{ name = 'wan', device = 'vdev:net_null0' }]\n";

}  // namespace guideway::config

#endif  // GUIDEWAY_TESTS_UNIT_CONFIG_INTERFACE_LINE_H_
