# SPDX-License-Identifier: Apache-2.0
"""A backend's UDP server: udp_echo.py ADDRESS PORT NAME answers "NAME " and what it was sent."""

import socket
import sys


def main(address, port, name):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as server:
        server.bind((address, int(port)))
        while True:
            datagram, sender = server.recvfrom(2048)
            server.sendto(f"{name} ".encode() + datagram, sender)


if __name__ == "__main__":
    main(*sys.argv[1:])
