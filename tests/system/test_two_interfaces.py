# SPDX-License-Identifier: Apache-2.0
"""Packets that come by one interface and leave by another, in both directions."""

import collections

import pytest
from checks import mostly_long
from two_interface_site import TwoInterfaceSite


@pytest.mark.parametrize("datapath", mostly_long(["afxdp", "xdp"], "xdp"))
def test_what_comes_by_one_interface_leaves_by_the_other(datapath):
    with TwoInterfaceSite(datapath) as site:
        for family in (4, 6):
            assert site.send(family, 50, 20_000) == 50, site.log()
        counted = collections.Counter()
        for row in site.status()["workers"]:
            counted.update(row["reasons"])
    # 50 connections of a handshake, 20,000 bytes and an end, there and back, in two families.
    assert counted["forwarded"] > 100 * 6, counted
    assert counted["nat_returned"] > 100 * 6, counted
    assert not counted["mtu_exceeded"] + counted["no_neighbour"] + counted["nat_reset"], counted
