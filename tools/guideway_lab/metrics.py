# SPDX-License-Identifier: Apache-2.0
"""Reads what guidewayd tells Prometheus, and takes no line that is not in the format's letter."""

import re

from guideway_lab.shell import run

PORT = 9641
_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_VALUE = r'"((?:[^"\\\n]|\\[\\"n])*)"'
_LABEL = re.compile(rf"({_NAME})={_VALUE}(?:,|$)")
_SAMPLE = re.compile(rf'({_NAME})(?:\{{((?:{_NAME}="(?:[^"\\\n]|\\[\\"n])*",?)*)\}})? (\S+)')
_COMMENT = re.compile(rf"# (HELP|TYPE) ({_NAME}) (.+)")
_OF_HISTOGRAM = ("_bucket", "_sum", "_count")


def scrape(plan):
    """The text, as a client in the director's namespace gets it."""
    url = f"http://127.0.0.1:{PORT}/metrics"
    return run("curl", "-sSf", "-m", "10", url, netns=plan.netns("director")).stdout


def read(text):
    """{name: {frozenset of (label, value): number}}; ValueError if the text is not well formed.

    Every name has its help and type first; no sample comes twice; a counter's name ends in _total.
    """
    samples, types, helped = {}, {}, set()
    for line in text.splitlines():
        comment = _COMMENT.fullmatch(line)
        if comment:
            kind, name, words = comment.groups()
            _demand(name not in (types if kind == "TYPE" else helped), f"again: {line}")
            if kind == "TYPE":
                types[name] = words
            else:
                helped.add(name)
            continue
        _add(samples, types, line)
    _demand(set(types) == helped, f"help or type alone: {set(types) ^ helped}")
    return samples


def value(samples, name, **labels):
    """The sum of the samples of a name that have these labels; KeyError if there are none."""
    wanted = set(labels.items())
    found = [number for key, number in samples[name].items() if wanted <= key]
    if not found:
        raise KeyError(f"{name} with {labels}")
    return sum(found)


def _add(samples, types, line):
    sample = _SAMPLE.fullmatch(line)
    _demand(sample, f"no sample: {line}")
    name, inside, number = sample.groups()
    family = name
    for suffix in _OF_HISTOGRAM:
        if types.get(name.removesuffix(suffix)) == "histogram":
            family = name.removesuffix(suffix)
    _demand(family in types, f"before its type: {line}")
    _demand((types[family] == "counter") == name.endswith("_total"), f"type or name: {line}")
    labels = frozenset(_LABEL.findall(inside or ""))
    _demand(labels not in samples.setdefault(name, {}), f"twice: {line}")
    samples[name][labels] = float(number)


def _demand(condition, what):
    if not condition:
        raise ValueError(what)
