// SPDX-License-Identifier: Apache-2.0
// A decapsulator's status as text for people, and as JSON.
// Threading: no state.
#ifndef GUIDEWAY_DECAP_STATUS_VIEW_H_
#define GUIDEWAY_DECAP_STATUS_VIEW_H_

#include <optional>
#include <string>

#include "guideway/decap/attachment.h"

namespace guideway::decap {

/// Nothing as status: not attached.
std::string status_text(const std::string& device, const std::optional<Status>& status);
/// One object, in one line.
std::string status_json(const std::string& device, const std::optional<Status>& status);

}  // namespace guideway::decap

#endif  // GUIDEWAY_DECAP_STATUS_VIEW_H_
