# SPDX-License-Identifier: Apache-2.0
"""Watches which XDP program a device has: xdp_watch.py DEVICE, some 500 times a second.

It says "watches" first. At a line on standard input, or its end, it prints one JSON object: how
many samples it took, how many of them found no program, and the ids of the programs as they came.
"""

import json
import select
import socket
import struct
import sys

_INTERVAL_MS = 2
_RTM_GETLINK, _NLM_F_REQUEST, _NLMSG_ERROR = 18, 1, 2
_IFLA_XDP, _IFLA_XDP_PROG_ID, _NLA_TYPE_MASK = 43, 4, 0x3FFF
_HEADERS = 16 + 16  # nlmsghdr, ifinfomsg


def attributes(data):
    """Type → value of the netlink attributes in `data`."""
    found = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        found[kind & _NLA_TYPE_MASK] = data[4:length]
        data = data[(length + 3) & ~3 :]
    return found


def program_id(netlink, index):
    """The program's id; 0: none. A device with generic XDP has it in the same place."""
    body = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, index, 0, 0)
    header = struct.pack("=IHHII", 16 + len(body), _RTM_GETLINK, _NLM_F_REQUEST, 1, 0)
    netlink.send(header + body)
    answer = netlink.recv(65536)
    if struct.unpack_from("=IH", answer)[1] == _NLMSG_ERROR:
        raise SystemExit("the device is gone")
    xdp = attributes(attributes(answer[_HEADERS:]).get(_IFLA_XDP, b""))
    return struct.unpack("=I", xdp[_IFLA_XDP_PROG_ID])[0] if _IFLA_XDP_PROG_ID in xdp else 0


def main(device):
    index = socket.if_nametoindex(device)
    samples, without, programs = 0, 0, []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as netlink:
        netlink.bind((0, 0))
        print(json.dumps("watches"), flush=True)
        while not select.select([sys.stdin], [], [], _INTERVAL_MS / 1000)[0]:
            now = program_id(netlink, index)
            samples += 1
            without += now == 0
            if not programs or programs[-1] != now:
                programs.append(now)
    print(json.dumps({"samples": samples, "without": without, "programs": programs}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
