# SPDX-License-Identifier: Apache-2.0
"""Runs guideway-pktgen against a lab's guidewayd.

The generator has a port of its own in the switch; its sink listens on the director's cable, so one
device sees what goes to all backends.
"""

import contextlib
import json
import signal
import subprocess

from guideway_lab.network import KERNEL_NIC, NIC
from guideway_lab.plan import ECHO_PORT, PORT
from guideway_lab.shell import in_netns, ip_batch, ip_json, wait_until

_GENERATOR = "gen0"
_FLOODS = {
    "syn": ("--traffic", "syn-flood"),
    "ack": ("--traffic", "ack-flood"),
    # The first datagram of ever new flows: more of them than are sent.
    "udp": ("--traffic", "established", "--protocol", "udp"),
}
FLOODS = tuple(_FLOODS)
_FLOOD_FLOWS = 10_000_000
# Room for what arrives while this machine does something else.
_FRAMES = "framecnt=32768"
# Loss is not judged: on a busy machine guidewayd's tap drops packets that wait for too long.
LOSS_ALLOWED = ("--max-loss", "1")


class Pktgen:
    """guideway-pktgen, ready to be run against a lab's guidewayd."""

    def __init__(self, lab):
        self._lab = lab
        self._switch = lab.plan.netns("switch")
        ip_batch(
            self._switch,
            [
                f"link add {_GENERATOR} type veth peer name gen1",
                "link set gen1 master near up",
                f"link set {_GENERATOR} up",
            ],
        )

    @contextlib.contextmanager
    def running(self, *options):
        """The process, while it runs."""
        sink = f"net_af_packet1,iface={NIC},{_FRAMES}"
        with self._started("--sink", sink, "--port", PORT, *options) as process:
            yield process

    @contextlib.contextmanager
    def flooding(self, kind, rate, seconds):
        """A flood of packets of strangers, all different. Nobody looks at what comes out."""
        port = ECHO_PORT if kind == "udp" else self._lab.plan.service_port
        options = ("--port", port, "--rate", rate, "--seconds", seconds, "--flows", _FLOOD_FLOWS)
        with self._started(*_FLOODS[kind], *options, *LOSS_ALLOWED) as process:
            yield process

    @contextlib.contextmanager
    def _started(self, *options):
        process = subprocess.Popen(
            self._command(options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def run(self, *options):
        """(exit code, the JSON object) of a run that ends by itself."""
        with self.running(*options) as process:
            return result_of(process)

    def run_until_forwarded(self, packets, *options):
        """The same, of a run that is interrupted when guidewayd has forwarded so many."""
        with self.running(*options, "--seconds", "600", *LOSS_ALLOWED) as process:
            self.wait_until_forwarded(packets, process)
            process.send_signal(signal.SIGINT)
            return result_of(process)

    def wait_until_forwarded(self, packets, process):
        """Waits, however slow the machine is now."""
        wait_until(
            lambda: self._lab.director.forwarded() >= packets or process.poll() is not None,
            lambda: f"{packets} packets forwarded: {self._lab.director.forwarded()}",
            timeout=90,
        )
        assert process.poll() is None, process.communicate()

    def _command(self, options):
        plan = self._lab.plan
        interface = KERNEL_NIC if plan.kernel_nic else "gw-wan"
        director = ip_json(plan.netns("director"), "link", "show", interface)[0]["address"]
        device = f"net_af_packet0,iface={_GENERATOR},{_FRAMES}"
        words = ["--device", device, "--gateway-mac", director]
        words += ["--vip", plan.vip, "--json", *options]
        return in_netns(self._switch, [program(self._lab), *words])


def program(lab):
    return lab.build_dir / "tools/pktgen/guideway-pktgen"


def result_of(process):
    """(exit code, the JSON object) that a process ends with."""
    output, errors = process.communicate(timeout=120)
    print(errors)
    assert output.count("\n") == 1, output + errors
    return process.returncode, json.loads(output)
