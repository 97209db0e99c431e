# SPDX-License-Identifier: Apache-2.0
"""Fuzz targets → cases. Each runs over its committed corpus, then looks for more for some seconds."""

import tempfile

from . import process, tree
from .meson import SANITIZER_ENV
from .results import Case, tail


def run_target(build, program, seconds, seed=0):
    """Runs one fuzz target; what it finds stays in the logs, never in the tree. A seed: the same
    inputs each time; 0: others each time."""
    name = program.rpartition("/")[2]
    corpus = corpus_of(name)
    if corpus is None:
        return Case(name, f"no corpus: put at least one input into tests/fuzz/corpus/{name}/")
    artifacts = process.LOGS / "fuzz"
    tree.make_folder(artifacts)
    with tempfile.TemporaryDirectory(prefix="guideway-fuzz-") as finds:
        done = process.run(
            [build.folder / program, f"-max_total_time={seconds}", f"-seed={seed}", "-timeout=10",
             "-rss_limit_mb=3000", "-print_final_stats=1", f"-artifact_prefix={artifacts}/{name}-",
             finds, corpus],
            f"fuzz-{name}", seconds + 120, SANITIZER_ENV)
    if not done.ok:
        return Case(name, f"{done.why()}\n{tail(done.output)}")
    return Case(name)


def corpus_of(name):
    """tests/fuzz/corpus/<target>, with or without "_fuzz"; None if it is empty or not there."""
    for folder in (name, name.removesuffix("_fuzz"), name.removeprefix("fuzz_")):
        path = tree.ROOT / "tests" / "fuzz" / "corpus" / folder
        if path.is_dir() and any(path.iterdir()):
            return path
    return None
