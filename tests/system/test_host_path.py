# SPDX-License-Identifier: Apache-2.0
"""What is not for a service reaches the director's own stack and comes back, traffic or not."""

import contextlib
import itertools
import re
import subprocess

import pytest
from checks import mostly_long

from guideway_lab.http_load import HttpLoad
from guideway_lab.plan import DATAPATHS, FAMILIES
from guideway_lab.shell import in_netns, run, wait_until

_HELLO_SERVER = """
import http.server, socket, sys
class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"director" if self.path == "/" else bytes(10_000_000))
class Server(http.server.HTTPServer):
    address_family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
server = Server((sys.argv[1], 0), Hello)
print(server.server_port, flush=True)
server.serve_forever()
"""


@contextlib.contextmanager
def running(process):
    """Ends the process after the block."""
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def hello_server(lab):
    """An HTTP server on the director's own address; its first line is its port."""
    command = ("/usr/bin/python3", "-c", _HELLO_SERVER, lab.plan.director_address)
    return subprocess.Popen(
        in_netns(lab.plan.netns("director"), command),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def ways():
    """Every datapath and family; two of them without --long."""
    for datapath, family in itertools.product(DATAPATHS, FAMILIES):
        is_short = (datapath, family) in (("dpdk", 6), ("afxdp", 4))
        yield pytest.param(datapath, family, marks=() if is_short else pytest.mark.long)


@pytest.mark.parametrize(("datapath", "family"), ways())
def test_ping_and_tcp_to_the_director_work_while_traffic_runs(make_lab, is_long, datapath, family):
    lab = make_lab(datapath=datapath, family=family)
    client = lab.plan.netns("client")
    count = 100 if is_long and datapath != "dpdk" else 20
    traffic = HttpLoad(lab.plan).start(seconds=60)
    with running(traffic) as load, running(hello_server(lab)) as server:
        wait_until(lambda: lab.director.forwarded() > 1000, "traffic")
        # One more than is asked for: ping waits for its last answer two round trips only.
        pings = ("ping", "-c", count + 1, "-i", "0.05", "-W", "5", lab.plan.director_address)
        ping = run(*pings, netns=client, check=False)
        answered = {int(number) for number in re.findall(r"bytes from \S+ icmp_seq=(\d+) ", ping.stdout)}
        assert answered >= set(range(1, count + 1)), ping.stdout
        port = server.stdout.readline().strip()
        url = lab.plan.url_of(lab.plan.director_address).replace(":6400/", f":{port}/")
        for _ in range(20):
            assert run("curl", "-sgS", "-m", "5", url, netns=client).stdout == "director"
        write_out = ("-o", "/dev/null", "-w", "%{http_code} %{size_download}")
        large = run("curl", "-sgS", "-m", "20", *write_out, url + "large", netns=client)
        assert large.stdout == "200 10000000"
        assert load.poll() is None, "the load ended before the test did"
    workers = lab.director.status()["workers"]
    assert sum(worker["reasons"]["other_protocol"] for worker in workers) >= count
    assert sum(worker["reasons"]["no_service"] for worker in workers) >= 20


@pytest.mark.parametrize("datapath", mostly_long(DATAPATHS, "dpdk"))
def test_the_director_reaches_others_itself(make_lab, datapath):
    """Connections that the director's own stack opens go out and come back."""
    lab = make_lab(datapath=datapath)
    backend = lab.plan.url_of(lab.plan.backend_address("backend1"))
    answer = run("curl", "-sgS", "-m", "5", backend, netns=lab.plan.netns("director"))
    assert answer.stdout == "backend1\n"


@pytest.mark.parametrize("datapath", mostly_long(DATAPATHS, "afxdp"))
def test_another_port_of_the_vip_is_refused_by_the_kernel(make_lab, datapath):
    """Nothing listens there: the kernel answers by a reset, not Guideway by silence."""
    lab = make_lab(datapath=datapath)
    url = lab.plan.url.replace(":6400/", ":6401/")
    answer = run("curl", "-svg", "-m", "5", url, netns=lab.plan.netns("client"), check=False)
    assert "Connection refused" in answer.stderr, answer.stderr
