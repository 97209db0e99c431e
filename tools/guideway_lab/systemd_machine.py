# SPDX-License-Identifier: Apache-2.0
"""A machine of this one's files, booted by a real systemd in namespaces of its own.

What it changes stays in a tmpfs that ends with it, and so do its processes, interfaces and mounts.
"""

import pathlib
import shutil
import subprocess
import tempfile

_UNITS = pathlib.Path(__file__).resolve().parents[2] / "config"
_LIMIT_S = 90
_NAMESPACES = ("--mount", "--pid", "--fork", "--kill-child", "--cgroup", "--uts", "--net", "--ipc")
# Runs in the new namespaces. $1: an empty folder, $2: what is copied over the root, $3: for results.
_BOOT = """\
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/changes" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=/,upperdir=$1/changes,workdir=$1/work" overlay "$1/root"
cd "$1/root"
cp -r --no-preserve=ownership "$2/." .
mount -t proc proc proc
mount -t sysfs sysfs sys
mkdir -p sys/fs/cgroup
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount --rbind /dev dev
mkdir -p results host
mount --bind "$3" results
groupadd --root "$1/root" --system guideway
groupadd --root "$1/root" --system guideway-read
pivot_root . host
exec env -i container=guideway PATH=/usr/sbin:/usr/bin:/sbin:/bin \\
  /lib/systemd/systemd --unit=script.target --log-target=null --show-status=no
"""
_TARGET = """\
[Unit]
Requires=basic.target script.service
After=basic.target
"""
_SERVICE = """\
[Service]
Type=oneshot
ExecStart=/bin/sh -x /script.sh
ExecStopPost=systemctl exit 0
StandardOutput=file:/results/output
StandardError=file:/results/output
"""


def run_in_systemd(build_dir, config_text, script):
    """Boots, with guidewayd, guideway, their units and /etc/guideway/guideway.toml in place, runs the
    shell script and ends. Returns {name: text} of what the script wrote to /results, and its own
    words under "output"."""
    with tempfile.TemporaryDirectory(prefix="guideway-systemd-") as folder:
        room, files, results = (pathlib.Path(folder) / name for name in ("room", "files", "results"))
        room.mkdir()
        results.mkdir()
        _lay_out(files, pathlib.Path(build_dir), config_text, script)
        subprocess.run(
            ["unshare", *_NAMESPACES, "sh", "-c", _BOOT, "boot", room, files, results],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            timeout=_LIMIT_S, check=False,
        )
        return {path.name: path.read_text(encoding="utf-8") for path in results.iterdir()}


def _lay_out(root, build_dir, config_text, script):
    programs, units, etc = root / "usr/sbin", root / "etc/systemd/system", root / "etc/guideway"
    for place in (programs, units, etc):
        place.mkdir(parents=True)
    for program in ("src/app/guidewayd", "src/cli/guideway"):
        shutil.copy(build_dir / program, programs)
    for unit in ("guidewayd.service", "run-guideway-bpf.mount"):
        shutil.copy(_UNITS / unit, units)
    (units / "script.target").write_text(_TARGET)
    (units / "script.service").write_text(_SERVICE)
    (etc / "guideway.toml").write_text(config_text)
    (root / "script.sh").write_text(script)
