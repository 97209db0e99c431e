/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Passes every packet. For labs: a veth device takes what its peer's native XDP program sends back
 * (XDP_TX) or redirects to it only when it has a native program itself. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char gw_pass_license[] SEC("license") = "Dual BSD/GPL";

SEC("xdp")
int gw_pass(struct xdp_md *context) {
  (void)context;
  return XDP_PASS;
}
