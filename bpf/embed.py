#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Writes a compiled BPF object as a C++ source that defines `extern const std::span<const unsigned
char> NAMESPACE::SYMBOL`, so that programs carry their BPF code inside them and no path names it.

Usage: embed.py OBJECT OUTPUT NAMESPACE SYMBOL
"""
import sys
from pathlib import Path

BYTES_A_LINE = 24


def main() -> None:
    source, output, namespace, symbol = sys.argv[1:]
    data = Path(source).read_bytes()
    lines = [
        ",".join(str(byte) for byte in data[at : at + BYTES_A_LINE]) + ","
        for at in range(0, len(data), BYTES_A_LINE)
    ]
    Path(output).write_text(
        f"// Made by embed.py from {Path(source).name}.\n"
        "#include <span>\n"
        f"namespace {namespace} {{\n"
        f"extern const std::span<const unsigned char> {symbol};\n"
        f"alignas(8) static constexpr unsigned char bytes_of_{symbol}[] = {{\n" + "\n".join(lines) + "\n};\n"
        f"const std::span<const unsigned char> {symbol}(bytes_of_{symbol});\n"
        f"}}  // namespace {namespace}\n"
    )


if __name__ == "__main__":
    main()
