"""Measure how fast the package is compared with other ways, in one run: `python -m bench`.

    ours           the package
    naive          a dynamic provider written the way tutorials show it (naive.py)
    engine alone   a dynamic provider that does nothing, with a state of the same size (nothing.py)
    bare script    threads that send the same requests, without an engine (script.py): the lower limit

The three providers run the same program. cloud.py runs the emulator in a separate process, stacks.py runs the real CLI,
and report.py prints the results. Each of the other files has a group of scenarios.
"""
