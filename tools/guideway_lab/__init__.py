# SPDX-License-Identifier: Apache-2.0
"""A small data centre in network namespaces. docs/lab.md has the picture.

plan -> network, backends, director -> lab; the commands tools/lab and tools/demo and the tests in
tests/system stand on top.
"""
