"""`pulumi-joviam plugin`: how a project uses the native plugin, with the paths of this installation."""

from __future__ import annotations

import shlex
import sysconfig
from importlib.metadata import version
from pathlib import Path

import typer


def plugin() -> None:
    """Print the two ways to set up the native plugin of this installation.

    Either add the lines on stdout to the Pulumi.yaml of a project, or run the command on stderr once: it installs the
    plugin for all of your projects on this computer.

    Programs in Python then import pulumi_joviam.native.sdk. For other languages, install it for all projects and run
    `pulumi package add joviam` in the folder of a project: it generates the SDK.
    """
    folder = Path(sysconfig.get_path("scripts"))
    typer.echo(f"plugins:\n  providers:\n    - name: joviam\n      path: {folder}")
    command = ["pulumi", "plugin", "install", "resource", "joviam", version("pulumi-joviam")]
    typer.echo(
        f"or, for all projects: {shlex.join([*command, '--file', str(folder / 'pulumi-resource-joviam')])}", err=True
    )
