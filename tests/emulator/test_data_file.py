"""The data file: nothing of the account is lost, and other files are not changed."""

from __future__ import annotations

import json
import logging
import os
import stat
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from pulumi_joviam.emulator import Emulator, UnusableData
from pulumi_joviam.emulator.operations import NOUNS
from tests.emulator.account import NEVER, Account
from tests.emulator.reference import EXAMPLES, make
from tests.emulator.tour import walk


def everything(cloud: Emulator) -> dict[str, list[dict[str, Any]]]:
    """All data of the store, in order, without times of the monotonic clock, which differ after a restart."""
    return {
        kind: [{**asdict(obj), "since": None} for obj in table.values()]
        for kind, table in cloud._store.tables.items()
        if table
    }


def wait_for(file: Path, text: str) -> None:
    """Wait until the file contains a text."""
    deadline = time.monotonic() + 5
    while text not in file.read_text():
        assert time.monotonic() < deadline, f"{text} is never written"
        time.sleep(0.01)


def test_everything_survives(tmp_path: Path) -> None:
    """After a restart every object is unchanged. Only the owner can read the file, and it has no token."""
    file = tmp_path / "cloud.json"
    with Emulator(token="t0ken-of-mine", provision_seconds=NEVER, data=file) as cloud:
        account = Account(cloud)
        walk(account)
        address = account.address(account.network("10.3.0.0/24"))
        web = account.instance(running=True, public_keys=[account.key()], ip_addresses=[address])
        account.call("POST", f"/instances/{web}/context", {"A": "1"})
        account.call("POST", f"/instances/{web}/remote_access")
        for operation in [it for it in EXAMPLES if it.startswith("POST")]:
            make(account, operation.split()[1])
        account.disk(name="späte Änderung")
        wait_for(file, "späte Änderung")
        before = everything(cloud)
    assert before.keys() == {noun.kind for noun in NOUNS}
    assert "t0ken-of-mine" not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]
    again = Emulator(token="another", provision_seconds=NEVER, data=file)
    assert everything(again) == before
    with again:
        Account(again).disk()  # the account can still be used
        again.reset()
    assert Emulator(token="t", data=file).count() == {}


def test_transitions_continue_after_a_restart(tmp_path: Path) -> None:
    """Time passes while the emulator is down: states end on time, even if the machine was restarted."""
    file = tmp_path / "cloud.json"
    with Emulator(token="t", provision_seconds=60, data=file) as cloud:
        account = Account(cloud)
        account.call("POST", "/disks", account.disk_body())
        account.call("POST", "/instances", account.basic_body(start_when_ready=True))
    written = file.read_text()

    def states(later: float, booted: float) -> list[str]:
        content = json.loads(written)
        content["epoch"] -= later + booted
        for kind in ("disks", "instances"):
            for obj in content["objects"][kind]:
                obj["since"] += booted  # another clock, at the same moment
        file.write_text(json.dumps(content))
        again = Emulator(token="t", provision_seconds=60, data=file)
        return [again.objects(kind)[0]["state"] for kind in ("disks", "instances")]

    for later, expected in (
        (-1000, ["provisioning", "provisioning"]),
        (50, ["provisioning", "provisioning"]),
        (62, ["unattached", "starting"]),
        (80, ["unattached", "starting"]),
        (92, ["unattached", "running"]),
    ):
        for booted in (0, 5000, -5000):
            assert states(later, booted) == expected, (later, booted)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "{}", '"text"', '{"resources": []}', "\0\1",
        '{"written_by": "pulumi-joviam emulator", "version": 2, "epoch": 1.0, "objects": {}}',
    ],
)  # fmt: skip
def test_foreign_files(tmp_path: Path, text: str) -> None:
    """A file with other content is rejected with one line that names it, and not changed."""
    file = tmp_path / "notes.json"
    file.write_text(text)
    with pytest.raises(UnusableData, match=r"notes\.json does not hold an account.* use another file") as refused:
        Emulator(token="t", data=file)
    assert "\n" not in str(refused.value)
    assert file.read_text() == text


def test_damaged_files(tmp_path: Path) -> None:
    """A truncated or invalid data file is rejected as a whole, and not changed."""
    file = tmp_path / "cloud.json"
    with Emulator(token="t", provision_seconds=NEVER, data=file) as cloud:
        account = Account(cloud)
        disk = account.call("POST", "/disks", account.disk_body())["id"]
        account.call("POST", "/networks", {"name": "a", "region": account.region(), "specification": "10.0.0.0/24"})
    whole = file.read_text()
    edits: list[tuple[str, dict[str, Any]]] = [
        ("disks", {"size": "10"}),
        ("disks", {"region": disk}),
        ("disks", {"state": "somehow"}),
        ("networks", {"specification": "10.0.0.0/99"}),
        ("networks", {"id": None}),
    ]
    damages = [whole[: len(whole) // 2], whole.replace('"disks"', '"volumes"')]
    for kind, edit in edits:
        content = json.loads(whole)
        content["objects"][kind][-1].update(edit)
        damages.append(json.dumps(content))
    for damaged in damages:
        file.write_text(damaged)
        with pytest.raises(UnusableData, match="or is damaged"):
            Emulator(token="t", data=file)
        assert file.read_text() == damaged
    file.write_text(whole)
    assert Emulator(token="t", data=file).count() == {"disks": 1, "networks": 1}


def test_not_a_regular_file(tmp_path: Path) -> None:
    """A folder, a device and a path that cannot be written are rejected; a link is followed."""
    for path in (tmp_path, Path(os.devnull)):
        with pytest.raises(UnusableData, match="is not a regular file"):
            Emulator(token="t", data=path)
    nowhere = Emulator(token="t", data=tmp_path / "none" / "cloud.json")
    with pytest.raises(UnusableData, match="No such file or directory"):
        nowhere.start()
    link, file = tmp_path / "link.json", tmp_path / "cloud.json"
    link.symlink_to(file)
    with Emulator(token="t", data=link):
        assert file.exists()
    assert link.is_symlink()


def test_two_emulators_with_one_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An emulator whose file was changed by another process logs this once, and does not overwrite it."""
    file = tmp_path / "cloud.json"
    first = Emulator(token="t", provision_seconds=0, data=file).start()
    with Emulator(token="t", provision_seconds=0, data=file) as second:
        Account(second).disk(name="of the second")
    with caplog.at_level(logging.ERROR):
        Account(first).disk(name="of the first")
        deadline = time.monotonic() + 5
        while not caplog.records and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.5)
    assert [record.getMessage().partition(" was ")[2] for record in caplog.records] == [
        "changed by another process; changes are no longer saved to it"
    ]
    with pytest.raises(UnusableData, match="changed by another process"):
        first.stop()
    text = file.read_text()
    assert "of the second" in text
    assert "of the first" not in text
