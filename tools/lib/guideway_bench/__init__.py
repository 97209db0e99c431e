# SPDX-License-Identifier: Apache-2.0
"""What stands behind tools/bench. docs/benchmarks/ has the method and the figures.

    main.py        arguments; one benchmark after another
    against.py     this tree and another commit in turns
    programs.py    the benchmarks that are one program, and their command lines
    output.py      where rows go: screen, JSON, raw lines in a folder
    plot.py        raw lines → PNG and SVG
    build.py       the release build of the benchmark programs
    end_to_end.py  real connections, beside HAProxy and nftables
    memif.py       dpdk over shared memory, beside dpdk-testpmd
    huge_pages.py  reserves huge pages for the time of a run
    site.py        a running guidewayd between namespaces
    steer.py       from a failing check to the first packet elsewhere
    reload.py      a reload of a large configuration
    machine.py     what the figures were measured on
    table.py       JSON rows → aligned tables
"""
