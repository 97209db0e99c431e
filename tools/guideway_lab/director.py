# SPDX-License-Identifier: Apache-2.0
"""guidewayd of a lab: start, cable, status, reload."""

import http.client
import json
import os
import pathlib
import signal
import subprocess

from guideway_lab import config, network
from guideway_lab.admin_client import AdminClient
from guideway_lab.processes import spawn
from guideway_lab.shell import LabError, in_netns, wait_until

_REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
_START_TIMEOUT_S = 60


def default_build_dir():
    """GUIDEWAY_BUILD, else the first of build/, build/demo and build/release with a guidewayd."""
    given = os.environ.get("GUIDEWAY_BUILD")
    if given:
        return pathlib.Path(given)
    places = [_REPOSITORY / "build" / name for name in ("", "demo", "release")]
    built = (place for place in places if (place / "src/app/guidewayd").exists())
    return next(built, places[0])


def built_program(build_dir, path):
    """A program of a build folder."""
    program = pathlib.Path(build_dir).resolve() / path
    if not program.exists():
        raise LabError(f"{program} is missing: build it, or name the folder by GUIDEWAY_BUILD")
    return str(program)


class Director:
    """Controls guidewayd in the director's namespace; `process` is None while none runs."""

    def __init__(self, plan, build_dir, process=None):
        self.plan = plan
        self.process = process
        # Goes before guidewayd on its command line.
        self.wrapper = ()
        self._build_dir = pathlib.Path(build_dir).resolve()

    @property
    def program(self):
        return self._binary("src/app/guidewayd")

    @property
    def tool(self):
        return self._binary("src/cli/guideway")

    @property
    def config_file(self):
        return self.plan.run_dir / "guideway.toml"

    @property
    def log_file(self):
        return self.plan.run_dir / "guidewayd.log"

    @property
    def status_socket(self):
        return self.plan.run_dir / "status.sock"

    @property
    def admin_socket(self):
        return self.plan.run_dir / "admin.sock"

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def log_entries(self):
        """The log's JSON lines, as Python values."""
        lines = (line for line in self.log().splitlines() if line.startswith("{"))
        return [json.loads(line) for line in lines]

    def write_config(self, pool):
        """Writes the configuration with these backends; guidewayd learns of it by reload()."""
        self.config_file.write_text(config.render(self.plan, pool))

    def start(self):
        """Starts guidewayd with the file as it is and plugs its NIC in once it answers."""
        command = (*self.wrapper, self.program, "--config", self.config_file)
        self.process = spawn("guidewayd", command, self.plan.netns("director"), self.log_file)
        self._wait_for(lambda: self.status() is not None, f"an answer on {self.status_socket}")
        network.plug_in_nic(self.plan)

    def wait_ready(self, names=None):
        """Waits until these backends get flows; without names, all of the lab's."""
        names = names or self.plan.backend_names
        self._wait_for(
            lambda: not self._unready(names),
            lambda: f"guidewayd to reach its backends: {self._unready(names)}",
        )

    def status(self):
        """GET /v1/status as Python values; None while nothing answers."""
        try:
            with AdminClient(self.status_socket) as client:
                answer = client.ask("GET", "/v1/status")
        except (FileNotFoundError, ConnectionError, TimeoutError, http.client.HTTPException):
            return None
        if answer.status != 200:
            raise LabError(f"GET /v1/status was answered by {answer.status}: {answer.body!r}")
        return answer.body

    def admin(self):
        """Requests to the admin socket; use it by `with`."""
        return AdminClient(self.admin_socket)

    def forwarded(self):
        """How many packets it has forwarded, by workers and by the program."""
        return sum(row["forwarded"] for row in self.status()["workers"])

    def backends(self):
        """What status says of the pool's backends, by name."""
        status = self.status()
        return {b["name"]: b for b in status["pools"][0]["backends"]} if status else {}

    def reload(self, pool, timeout=20):
        """Changes the pool by SIGHUP and returns once the new generation forwards."""
        generation = self.status()["generation"]
        self.write_config(pool)
        self.hang_up()
        self._wait_for(
            lambda: self.status()["generation"] > generation and self._forwards_to(pool),
            f"a generation after {generation} with {len(pool)} backends",
            timeout,
        )

    def hang_up(self):
        self.process.signal(signal.SIGHUP)

    def stop(self, grace=10.0):
        """SIGTERM; returns the exit code, None if guidewayd was not started by this process."""
        self.process.stop(grace)
        code, self.process = self.process.exit_code, None
        return code

    def run_once(self, *arguments, timeout=30, user=None, wrapper=()):
        """Runs another guidewayd to its end, beside or instead of ours, by the command `wrapper`."""
        words = [*wrapper, self.program, *arguments]
        if user:
            words = ["setpriv", f"--reuid={user}", "--regid=nogroup", "--clear-groups", *words]
        command = in_netns(self.plan.netns("director"), words)
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)

    def operator_tool(self, *arguments, timeout=30):
        """Runs `guideway …`: `status` asks the status socket, all else the admin socket."""
        place = ["--socket", self.admin_socket]
        if arguments[0] == "status":
            place = ["--socket", self.status_socket, "--pin-dir", self.plan.bpffs]
        command = [self.tool, *map(str, place), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)

    def _binary(self, path):
        return built_program(self._build_dir, path)

    def _forwards_to(self, pool):
        """Whether status shows these backends as they are here, and no other in the slot table."""
        reported = self.backends()
        wanted = {b.name: (b.weight, b.state) for b in pool}
        shown = {n: (b["weight"], b["state"]) for n, b in reported.items() if n in wanted}
        others = [b for name, b in reported.items() if name not in wanted]
        return shown == wanted and not any(b["slots"] for b in others)

    def _unready(self, names):
        """Those of the backends that get no flows, with the reasons."""
        reported = self.backends()
        reasons = {n: reported[n]["reason"] if n in reported else "not in status" for n in names}
        return {name: reason for name, reason in reasons.items() if reason}

    def _wait_for(self, condition, what, timeout=_START_TIMEOUT_S):
        """wait_until, but notices when guidewayd ends; a failure shows its last words."""
        try:
            wait_until(lambda: condition() or not self.process.alive(), what, timeout)
        except LabError as error:
            raise LabError(f"{error}; {self._last_words()}") from None
        if not self.process.alive():
            self.process.wait(0)
            raise LabError(f"guidewayd ended; {self._last_words()}")

    def _last_words(self):
        lines = self.log().splitlines()[-5:]
        return f"the end of its log: {' | '.join(lines)}" if lines else "it logged nothing"
