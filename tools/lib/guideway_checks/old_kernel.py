# SPDX-License-Identifier: Apache-2.0
"""Debian 12's stock kernel in qemu, without KVM: the XDP program loads there, the packet cases pass,
the decapsulator's too, and a TCP transfer goes through guidewayd. tests/old_kernel/init.c is what runs inside."""

import gzip
import os
import pathlib
import re
import shutil
import subprocess

from .results import Case
from .tree import ROOT

LIMIT_S = 180
STEPS = ("module", "load", "packets", "decapsulator", "network", "daemon", "transfer")
PROGRAMS = ("tests/bpf/verifier_test", "tests/packet/packet_xdp_test", "tests/bpf/decap_test",
            "src/app/guidewayd", "src/cli/guideway")
TOOLS = ("ip", "ethtool", "nsenter", "grep", "uname", "sh")
META_PACKAGE = "linux-image-cloud-amd64"


def run(build):
    """Cases of the suite. `build` has the PROGRAMS and bpf/pass.bpf.o."""
    folder = pathlib.Path(build.folder) / "old-kernel"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    kernel, module = _kernel(folder)
    initrd = folder / "initrd.gz"
    _write_initrd(initrd, _files(build, folder, module))
    output = _boot(kernel, initrd)
    (folder / "console.log").write_text(output)
    release = re.search(r"^(\d+\.\d+\.\d+-\S+)\s*$", output, re.MULTILINE)
    cases = []
    for step in STEPS:
        passed = f"STEP {step}: ok" in output
        tail = "" if passed else f"see {folder}/console.log:\n" + "\n".join(output.splitlines()[-25:])
        cases.append(Case(f"{step} on {release.group(1) if release else 'Debian 12 kernel'}", tail))
    return cases


def _kernel(folder):
    """Debian's kernel and its veth module, downloaded and unpacked, not installed."""
    depends = _output(["apt-cache", "depends", META_PACKAGE])
    package = re.search(r"Depends: (linux-image-\S+)", depends).group(1)
    _output(["apt-get", "download", package], cwd=folder)
    _output(["dpkg-deb", "-x", str(next(folder.glob("linux-image-*.deb"))), "kernel"], cwd=folder)
    return next(folder.glob("kernel/boot/vmlinuz-*")), next(folder.rglob("veth.ko"))


def _files(build, folder, module):
    """Everything in the machine, by path."""
    init = folder / "init"
    _output(["gcc", "-static", "-O1", "-o", str(init), str(ROOT / "tests/old_kernel/init.c")])
    programs = [pathlib.Path(build.folder) / path for path in PROGRAMS]
    tools = [pathlib.Path(shutil.which(name)) for name in TOOLS]
    files = {"init": init, "t/veth.ko": module,
             "t/pass.bpf.o": pathlib.Path(build.folder) / "bpf/pass.bpf.o",
             "t/guideway.toml": ROOT / "tests/old_kernel/guideway.toml"}
    for program in programs + tools:
        files[f"t/{program.name}"] = program
        files |= _libraries(program)
    files["bin/sh"] = tools[-1]
    for case in (ROOT / "tests/packet/cases").iterdir():
        files[str(case).lstrip("/")] = case
    return files


def _libraries(program):
    files = {}
    for line in _output(["ldd", str(program)]).splitlines():
        words = line.split()
        path = words[2] if "=>" in words and len(words) > 2 else words[0]
        if path.startswith("/"):
            name = path.lstrip("/") if "ld-linux" in path else f"t/lib/{os.path.basename(path)}"
            files[name] = pathlib.Path(path)
    return files


def _write_initrd(path, files):
    """A cpio archive in the kernel's "newc" format."""
    folders = {"proc", "sys", "dev", "run", "tmp"}
    for name in files:
        folders |= {str(parent) for parent in pathlib.PurePath(name).parents} - {"."}
    with gzip.open(path, "wb", compresslevel=1) as out:
        entries = [(name, 0o40755, b"") for name in sorted(folders)]
        entries += [(name, 0o100755, file.read_bytes()) for name, file in files.items()]
        for number, (name, mode, data) in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1):
            fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
            head = b"070701" + b"".join(b"%08x" % field for field in fields)
            head += name.encode() + b"\0"
            out.write(head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4))


def _boot(kernel, initrd):
    """The console's output, until the machine powers off or the time is up."""
    command = ["timeout", str(LIMIT_S), "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max",
               "-m", "1500", "-nographic", "-no-reboot", "-kernel", str(kernel), "-initrd",
               str(initrd), "-append", "console=ttyS0 panic=-1 quiet"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    return done.stdout + ("" if done.returncode == 0 else f"\nqemu ended with {done.returncode}")


def _output(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise OSError(f"'{' '.join(command)}' failed: {done.stderr.strip()}")
    return done.stdout

