// SPDX-License-Identifier: Apache-2.0
// Whether this kernel can run a program and lets this process load it: what is said when not.
// Threading: no state.
#ifndef GUIDEWAY_BPF_KERNEL_H_
#define GUIDEWAY_BPF_KERNEL_H_

#include <string>
#include <string_view>

#include "guideway/base/result.h"

namespace guideway::bpf {

/// The oldest kernel that will do, and why: "the XDP program needs 6.1".
struct OldestKernel {
  unsigned major;
  unsigned minor;
  std::string_view why;
};

/// Refuses a kernel before `oldest`. `release` is as uname -r prints it; one that has no version is
/// not refused.
Result<void> check_kernel(std::string_view release, const OldestKernel& oldest);
Result<void> check_running_kernel(const OldestKernel& oldest);

/// Whether the kernel knows its own types (BTF), which programs with functions that are verified by
/// themselves need.
bool has_type_information();

/// What to do when loading a program failed with `error_number`. `program`: "the XDP program".
std::string advice(const std::string& program, int error_number, bool has_type_information);

/// Whether generic mode may do what attaching natively refuses with this error. ENOMEM: a driver
/// says so when it has no transmit queues left for each CPU.
bool is_of_native_mode(int error_number);
/// What follows the device's or the driver's name: "has no native XDP".
std::string native_refusal(int error_number);

/// The error for EPERM from loading programs and making maps.
tl::unexpected<Error> no_permission();

}  // namespace guideway::bpf

#endif  // GUIDEWAY_BPF_KERNEL_H_
