# SPDX-License-Identifier: Apache-2.0
"""`guideway`, the operator's tool, as the system tests run it."""

import json


def tool(lab, *arguments):
    """Runs the tool, which has to succeed; returns what it prints."""
    result = lab.director.operator_tool(*arguments)
    assert result.returncode == 0, result
    return result.stdout


def as_json(lab, *arguments):
    return json.loads(tool(lab, *arguments, "--json"))


def refused(lab, code, *arguments):
    """Runs the tool, which has to end with this code; returns its complaint."""
    result = lab.director.operator_tool(*arguments)
    assert result.returncode == code, result
    return result.stderr
