"""Generate the `_output` forms of the look-ups, pulumi_joviam/lookups/outputs.py, from the plain forms.

Run `python tools/look_ups.py` after a change; a test checks that the file is current.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PLAIN = Path(__file__).resolve().parent.parent / "pulumi_joviam/lookups/__init__.py"
OUTPUTS = PLAIN.with_name("outputs.py")
HEADING = '''\
"""The look-ups that take Outputs and return one. Written by tools/look_ups.py from the plain ones: edit those."""

from __future__ import annotations

import pulumi

from pulumi_joviam.api.models import (
{models}
)
from pulumi_joviam.lookups import Bool, Opts, Text, Use
from pulumi_joviam.lookups.query import find_all, find_one, run_output
'''


def source() -> str:
    """Return the content of the file."""
    forms = list(_forms(ast.parse(PLAIN.read_text())))
    models = "\n".join(f"    {model}," for model in sorted({model for _, model in forms}))
    return "\n\n".join([HEADING.format(models=models), *(text for text, _ in forms)])


def _forms(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the code of each `_output` form, with the model that it returns."""
    for plain in tree.body:
        if not isinstance(plain, ast.FunctionDef) or plain.returns is None:
            continue
        answer = ast.unparse(plain.returns)
        model = answer.removeprefix("list[").removesuffix("]")
        how = "find_one" if answer == model else "find_all"
        lines = [f"def {plain.name}_output(", "    *,"]
        for argument in plain.args.kwonlyargs:
            kind = ast.unparse(argument.annotation) if argument.annotation else "Opts"
            lines.append(f"    {argument.arg}: {kind if kind == 'Opts' else f'pulumi.Input[{kind}]'} = None,")
        lines += [
            f") -> pulumi.Output[{answer}]:",
            f'    """Return an Output of what {plain.name} returns."""',
            f"    return run_output({how}, {model}, locals())",
            "",
        ]
        yield "\n".join(lines), model


if __name__ == "__main__":
    OUTPUTS.write_text(source())
