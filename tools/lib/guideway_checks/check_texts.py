# SPDX-License-Identifier: Apache-2.0
"""What can be read off a file's text: licence line, opening of headers, words, script syntax."""

import pathlib
import re

from . import process, tree

PERMISSIVE = "Apache-2.0"
KERNEL = "GPL-2.0-only OR BSD-2-Clause"
SOURCES = {".h", ".c", ".cpp", ".py", ".sh", ".bash", ".toml", ".yml", ".service", ".mount", ".build"}
SOURCE_NAMES = {"meson_options.txt", "packages.txt"}


def licence_problems():
    found = []
    for path in tree.files():
        if not is_source(path):
            continue
        wanted = KERNEL if is_kernel_side(path) else PERMISSIVE
        opening = "\n".join(tree.text(path).splitlines()[:3])
        if not re.search(rf"SPDX-License-Identifier: {re.escape(wanted)}( \*/)?$", opening,
                         re.MULTILINE):
            found.append(f"{path}: its first lines need 'SPDX-License-Identifier: {wanted}'")
    return found


def is_source(path):
    if path.parts[:3] == ("tests", "fuzz", "corpus"):
        return False  # inputs, byte for byte
    return path.suffix in SOURCES or path.name in SOURCE_NAMES or bool(tree.interpreter(path))


def is_kernel_side(path):
    return path.parts[0] == "bpf" or path.parts[:3] == ("include", "guideway", "core")


def header_problems():
    """Each header has its guard, and says in its opening who may call it from where."""
    found = []
    for path in tree.headers():
        guard = "_".join(("guideway", *tree.module_path(path))).upper().replace(".", "_").replace("-", "_") + "_"
        text = tree.text(path)
        if f"#ifndef {guard}\n#define {guard}\n" not in text:
            found.append(f"{path}: its include guard has to be {guard}")
        if "Threading:" not in text.partition("#ifndef")[0]:
            found.append(f"{path}: its opening comment has no 'Threading:'")
    return found


# Places and things that a reader of the published tree does not have.
PRIVATE = [re.compile(pattern) for pattern in
           (r"/wor[k]/", r"\b[Tt]he issu[e]\b", r"\b[Ii]ssu[e] #?\d", r"/tm[p]/build-")]


def private_problems():
    found = []
    for path in tree.files():
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            for pattern in PRIVATE:
                match = pattern.search(line)
                if match:
                    found.append(f"{path}:{number}: '{match.group()}' means nothing to a reader")
    return found


def script_problems():
    """Scripts parse, and are executable exactly if they name an interpreter."""
    found = []
    for path in tree.files():
        interpreter = tree.interpreter(path)
        if interpreter in ("sh", "bash", "dash"):
            code, output = process.capture([interpreter, "-n", str(path)])
            found += [] if code == 0 else [f"{path}: {output.strip()}"]
        elif interpreter.startswith("python"):
            found += python_problems(path)
        elif interpreter:
            found.append(f"{path}: scripts are sh, bash or python3, not {interpreter}")
        found += mode_problems(path)
    return found


def python_problems(path):
    try:
        compile(tree.text(path), str(path), "exec")
    except SyntaxError as error:
        return [f"{path}:{error.lineno}: {error.msg}"]
    return []


def mode_problems(path: pathlib.PurePosixPath):
    has_interpreter = tree.text(path).startswith("#!")
    is_executable = bool((tree.ROOT / path).stat().st_mode & 0o100)
    if has_interpreter and not is_executable:
        return [f"{path}: starts with #! but is not executable; chmod +x"]
    if is_executable and not has_interpreter:
        return [f"{path}: is executable but names no interpreter"]
    return []
