"""How fast the package is, as ratios measured side by side in one run: `python -m bench`.

    ours           the package
    naive          a dynamic provider as the tutorials write it (naive.py)
    engine alone   a dynamic provider that does nothing, with as many bytes of state (nothing.py)
    bare script    threads that send the same requests, without any engine (script.py): the limit

The program is the same text for the three providers. cloud.py runs the emulator in a process of its own, stacks.py the
real CLI, report.py prints; the other files hold the scenarios, one family each.
"""
