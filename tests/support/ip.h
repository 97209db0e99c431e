// SPDX-License-Identifier: Apache-2.0
#ifndef GUIDEWAY_TESTS_SUPPORT_IP_H_
#define GUIDEWAY_TESTS_SUPPORT_IP_H_

#include <string>

#include "guideway/base/address.h"

namespace guideway::test {

/// An address that the test knows to be well formed.
inline base::IpAddress ip(const std::string& text) { return base::IpAddress::parse(text).value(); }

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_SUPPORT_IP_H_
