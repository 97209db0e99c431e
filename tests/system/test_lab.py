# SPDX-License-Identifier: Apache-2.0
"""The lab itself: it owns what it creates, and its own arithmetic is right."""

import json
import os
import pathlib
import signal
import socket
import socketserver
import subprocess
import sys
import threading

import pytest

from guideway_lab import load_client, network
from guideway_lab.http_load import read_summary
from guideway_lab.lab import remove_lab
from guideway_lab.plan import Plan
from guideway_lab.shares import Share
from guideway_lab.shell import LabError

_LAB = pathlib.Path(__file__).resolve().parents[2] / "tools" / "lab"


def test_down_works_from_the_name_alone(make_lab):
    lab = make_lab(start_director=False)
    (lab.plan.run_dir / "state.json").unlink()
    processes = lab.processes
    assert processes and all(process.alive() for process in processes)
    remove_lab(lab.plan.name)
    assert not any(process.alive() for process in processes)
    assert network.existing_namespaces(lab.plan.name) == []
    assert not lab.plan.run_dir.exists()


def test_what_a_crash_leaves_goes_with_the_lab(make_lab):
    lab = make_lab(datapath="xdp", on_stop="keep")
    lab.director.process.signal(signal.SIGKILL)
    assert lab.director.process.wait(5)
    shown = subprocess.run([_LAB, "status", "--name", lab.plan.name], capture_output=True, text=True)
    assert shown.returncode == 3 and "web/backend3" in shown.stdout, shown  # 3: no daemon
    subprocess.run([_LAB, "down", "--name", lab.plan.name], check=True)
    assert network.existing_namespaces(lab.plan.name) == []
    assert not os.path.ismount(lab.plan.bpffs) and not lab.plan.run_dir.exists()
    assert not list(pathlib.Path("/run/guideway").glob(f"{lab.plan.director_name}.*"))


def test_a_name_is_used_once(make_lab):
    lab = make_lab(start_director=False)
    again = subprocess.run(
        [_LAB, "up", "--no-director", "--name", lab.plan.name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode != 0 and "tools/lab down" in again.stderr
    assert all(process.alive() for process in lab.processes)


def test_two_labs_live_side_by_side(make_lab):
    first, second = make_lab(), make_lab()
    for lab in (first, second):
        command = [_LAB, "exec", "--name", lab.plan.name, "client", "curl", "-sgS", lab.plan.url]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout
    first.down()
    assert all(process.alive() for process in second.processes)


def test_options_out_of_range_are_refused():
    for options in ({"backends": 0}, {"backends": 17}, {"name": "a/b"}, {"workers": 1000}):
        with pytest.raises(LabError):
            Plan(**options)


def test_whatever_hey_does_not_report_as_2xx_has_failed():
    summary = (
        "Status code distribution:\n"
        "  [200]\t90 responses\n"
        "  [502]\t4 responses\n\n"
        "Error distribution:\n"
        '  [3]\tGet "http://10.77.0.10:6400/": dial tcp: connection refused\n'
    )
    result = read_summary(100, summary)
    assert (result.requests, result.succeeded, result.failed) == (100, 90, 10)
    assert len(result.problems) == 2
    assert read_summary(100, "").failed == 100


class _AnswersTheFirst(socketserver.BaseRequestHandler):
    """Of a server that answers its first connection and leaves all others without."""

    def handle(self):
        with self.server.lock:
            is_first, self.server.is_fresh = self.server.is_fresh, False
        while request := self.request.recv(4096):
            if is_first:
                number = request.partition(b"X-Request-Number: ")[2].split()[0]
                head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Request-Number: "
                self.request.sendall(head + number + b"\r\n\r\nb1")


def test_a_new_connection_without_an_answer_has_failed():
    with (
        socketserver.ThreadingTCPServer(("127.0.0.1", 0), _AnswersTheFirst) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as echo,
    ):
        server.daemon_threads, server.is_fresh, server.lock = True, True, threading.Lock()
        echo.bind(("127.0.0.1", 0))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        ports = [str(each.getsockname()[1]) for each in (server.socket, echo)]
        done = subprocess.Popen(
            [sys.executable, "-B", load_client.__file__, "127.0.0.1", *ports, "1", "1"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        try:
            done.stdin.write("0.2\n")
            done.stdin.flush()
            figures = load_client.Figures(**json.loads(done.stdout.readline()))
        finally:
            done.communicate()
            server.shutdown()
    assert figures.answers and figures.new_connections == 0
    assert "new connection to ?: no answer within 1 s" in figures.failed


def test_deviations_are_binomial():
    assert Share(count=5050, total=10_000, expected=0.5).deviations == pytest.approx(1.0)
    assert Share(count=0, total=10_000, expected=0.0).deviations == 0
    assert Share(count=1, total=10_000, expected=0.0).deviations == float("inf")
