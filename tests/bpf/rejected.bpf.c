/* SPDX-License-Identifier: Apache-2.0 */
/* A program with the decapsulator's names that the verifier refuses: it reads a packet without
 * having looked where that ends. For the test of what guideway-decap says then. */
#include "decap.h"

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char gw_license[] SEC("license") = "Dual BSD/GPL";
const volatile struct gw_decap_settings gw_decap_settings = {};

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, 1);
  __type(key, struct gw_decap_prefix);
  __type(value, __u32);
} gw_decap_from SEC(".maps"), gw_decap_vip SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, struct gw_decap_address);
  __type(value, __u32);
} gw_decap_own SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct gw_decap_counters);
} gw_decap_count SEC(".maps");

SEC("xdp")
int gw_decap(struct xdp_md *context) {
  return *(__u8 *)(long)context->data == gw_decap_settings.gue_port ? XDP_PASS : XDP_DROP;
}
