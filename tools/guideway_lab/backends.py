# SPDX-License-Identifier: Apache-2.0
"""The backends: one nginx each, which answers its name, and counters that know nothing of Guideway.

Two independent counts: nginx's access log (connections and requests for the service) and nftables
(packets that came in for the service).
"""

import collections
import dataclasses
import json

from guideway_lab.plan import PORT, VXLAN
from guideway_lab.processes import spawn
from guideway_lab.shell import run, wait_until

# One line a request: its number on its connection, status, the client's port. The answer's body is
# the backend's name; it hands back the number that the client gave the request. /upload answers
# only after it has read the whole body, as a proxy does.
_NGINX_CONF = """\
daemon off;
user root;
worker_processes 1;
worker_rlimit_nofile 65536;
pid nginx.pid;
error_log error.log;
events {{ worker_connections 32768; }}
http {{
  log_format lab '$connection_requests $status $remote_port';
  access_log access.log lab;
  client_body_temp_path tmp;
  proxy_temp_path tmp;
  fastcgi_temp_path tmp;
  uwsgi_temp_path tmp;
  scgi_temp_path tmp;
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
  client_max_body_size 0;
  default_type text/plain;
  server {{
    listen {listen} backlog=4096;
    add_header X-Request-Number $http_x_request_number;
    location / {{ return 200 "{name}\\n"; }}
    location = /api/v1/health {{
      access_log off;
      if (-f {directory}/sick) {{ return 503; }}
      return 200 "healthy\\n";
    }}
    location = /upload {{ proxy_pass http://unix:{directory}/upload.sock; }}
  }}
  server {{ listen unix:{directory}/upload.sock; access_log off; return 200 "{name}\\n"; }}
}}
"""

_NFT_TABLE = """\
table inet guideway_lab {{
  counter service {{}}
  chain incoming {{
    type filter hook prerouting priority raw;
    iifname "eth0" {match} counter name service
  }}
}}
"""


@dataclasses.dataclass(frozen=True)
class HttpCount:
    """What one nginx answered since it started, health checks excepted."""

    connections: int
    requests: int

    def __sub__(self, earlier):
        return HttpCount(self.connections - earlier.connections, self.requests - earlier.requests)


def start(plan):
    """Starts every backend's nginx and counter; returns the processes once all answer."""
    processes = []
    for name in plan.backend_names:
        directory = plan.run_dir / name
        directory.mkdir()
        (directory / "nginx.conf").write_text(_nginx_conf(plan, name))
        processes.append(_spawn_nginx(plan, name))
        run("nft", "-f", "-", netns=plan.netns(name), input=_NFT_TABLE.format(match=_match(plan)))
    for name in plan.backend_names:
        _wait_for_nginx(plan, name)
    return processes


def start_again(plan, name):
    """Starts the nginx of a backend whose process has been stopped; returns the new process."""
    process = _spawn_nginx(plan, name)
    _wait_for_nginx(plan, name)
    return process


def set_sick(plan, name, is_sick):
    """From now on this backend answers health checks by 503, or by 200 again; nothing else changes."""
    file = plan.run_dir / name / "sick"
    if is_sick:
        file.touch()
    else:
        file.unlink(missing_ok=True)


def _spawn_nginx(plan, name):
    directory = plan.run_dir / name
    command = ("nginx", "-p", f"{directory}/", "-c", "nginx.conf", "-e", "error.log")
    return spawn(name, command, plan.netns(name), directory / "nginx.out")


def _wait_for_nginx(plan, name):
    wait_until(
        lambda: _answers(plan, name),
        f"nginx of {name} to answer; see {plan.run_dir}/{name}/error.log",
    )


def http_count(plan, name):
    """What the access log says."""
    with open(plan.run_dir / name / "access.log", encoding="ascii") as log:
        numbers = collections.Counter(line.partition(" ")[0] == "1" for line in log)
    return HttpCount(connections=numbers[True], requests=numbers.total())


def http_counts(plan):
    return {name: http_count(plan, name) for name in plan.backend_names}


def packet_count(plan, name):
    """How many packets for the service came in by the backend's interface."""
    command = ("nft", "-j", "list", "counter", "inet", "guideway_lab", "service")
    answer = json.loads(run(*command, netns=plan.netns(name)).stdout)
    return next(entry["counter"]["packets"] for entry in answer["nftables"] if "counter" in entry)


def _nginx_conf(plan, name):
    listen = f"[::]:{PORT}" if plan.family == 6 else PORT
    return _NGINX_CONF.format(name=name, listen=listen, directory=plan.run_dir / name)


def _match(plan):
    """The packets that Guideway sends to a backend, as nftables sees them.

    That is before the kernel's VXLAN device, and after guideway-decap.
    """
    if plan.mode == "vxlan":
        return f"udp dport {VXLAN['port']}"
    family = "ip6" if plan.family == 6 else "ip"
    if plan.mode == "nat":
        return f"{family} saddr {plan.nat_address} tcp dport {PORT}"
    return f"{family} daddr {plan.vip} tcp dport {PORT}"


def _answers(plan, name):
    """Whether nginx answers inside its own namespace, without a packet on the wire."""
    health = plan.url_of(plan.backend_address(name)) + "api/v1/health"
    command = ("curl", "-sf", "-m", "2", health)
    return run(*command, netns=plan.netns(name), check=False).returncode == 0
