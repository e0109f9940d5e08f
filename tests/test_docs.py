"""What README shows is what the code does: its program runs, its tables are those of the code."""

from __future__ import annotations

import re

from pulumi_joviam import config
from tests.conftest import ROOT
from tests.stack import Stack
from tools.reference import written

README = (ROOT / "README.md").read_text()


def test_the_tables_are_current() -> None:
    """`python tools/reference.py` has nothing to change."""
    assert written(README) == README


def test_the_programs_run(stack: Stack) -> None:
    """Every program in README goes up as it stands, and a second preview is empty."""
    programs = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    stack.pulumi("config", "set", "--secret", "customer:token", stack.cloud.token)
    made = [{"laptop", "web-disk", "web-address", "web"}, {"theirs", "elsewhere"}]
    assert len(programs) == len(made)
    for program, names in zip(programs, made, strict=True):
        (stack.project / "__main__.py").write_text(program)
        assert {name for name, step in stack.up().steps.items() if step == "create"} == names
        assert stack.preview().empty


def test_every_setting_is_told() -> None:
    """The settings table holds what config.py reads."""
    source = (ROOT / "pulumi_joviam" / "config.py").read_text()
    settings = set(re.findall(r'"(joviam:\w+)"', source)) | set(re.findall(r'"(JOVIAM_\w+)"', source))
    assert len(settings) >= 6
    assert not [name for name in settings if f"`{name}`" not in README]
    assert config.ENDPOINT in README


def test_the_two_commands_exist() -> None:
    """The commands that README tells a new user are targets of the Makefile."""
    targets = set(re.findall(r"^(\w+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^make (\w+)", README, re.MULTILINE)) == {"demo", "test"} <= targets
