# SPDX-License-Identifier: Apache-2.0
"""The service unit under a real systemd: all of its restrictions hold, in each way of running."""

import json

import pytest

from guideway_lab.director import default_build_dir
from guideway_lab.plan import DATAPATHS
from guideway_lab.systemd_machine import run_in_systemd

_CONFIG = """\
schema = 1
[director]
name = "lb1"
datapath = "{datapath}"
[[interface]]
name = "wan"
device = "{device}"
[[pool]]
name = "web"
forwarding = "ipip"
backends = [{{ name = "b1", address = "10.77.0.11" }}]
[[service]]
name = "web"
address = "10.78.0.1"
port = 80
pool = "web"
"""
# Each step's exit code is a line of /results/codes.
_SCRIPT = """\
step() { name=$1; shift; "$@"; echo "$name $?" >> /results/codes; }
ip link add cable0 type veth peer name cable1
ip link set cable0 up
ip link set cable1 up
ip address add 10.77.0.1/24 dev cable0
step start systemctl start guidewayd
systemctl show -P StatusText guidewayd > /results/told
step reload systemctl reload guidewayd
cp /etc/guideway/guideway.toml /tmp/good
echo "no configuration" > /etc/guideway/guideway.toml
step bad-reload systemctl reload guidewayd
cp /tmp/good /etc/guideway/guideway.toml
guideway status --json > /results/after_reload
step restart systemctl restart guidewayd
killed=$(systemctl show -P MainPID guidewayd)
kill -9 "$killed"
step killed timeout 20 sh -c "
  until test \\"\\$(systemctl show -P MainPID guidewayd)\\" != $killed && guideway status; do
    sleep 0.1
  done"
guideway status --json > /results/after_kill
journalctl --unit guidewayd --no-pager --output cat > /results/log
step stop systemctl stop guidewayd
"""


@pytest.mark.long
@pytest.mark.parametrize("datapath", DATAPATHS)
def test_systemd_starts_reloads_restarts_and_stops_it(datapath):
    device = "vdev:net_af_packet0,iface=cable0" if datapath == "dpdk" else "cable0"
    results = run_in_systemd(
        default_build_dir(), _CONFIG.format(datapath=datapath, device=device), _SCRIPT
    )
    codes = dict(line.split() for line in results.get("codes", "").splitlines())
    assert codes.pop("bad-reload") == "1", results
    assert codes == dict.fromkeys(("start", "reload", "restart", "killed", "stop"), "0"), results
    assert results["told"] == "director lb1, generation 1\n"
    reloaded, killed = (json.loads(results[name]) for name in ("after_reload", "after_kill"))
    assert reloaded["datapath"] == killed["datapath"] == datapath
    assert killed["generation"] > reloaded["generation"]
    assert results["log"].count("adopted the flow table") == 2, results["log"]
