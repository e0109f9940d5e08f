"""Words for regions, tiers and templates: what they mean, and what a mistake is answered with."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from pulumi_joviam.api.catalog import Catalog
from pulumi_joviam.api.client import Client
from pulumi_joviam.api.errors import ArgumentError, Forbidden, JoviamError
from pulumi_joviam.api.models import PerformanceTier, Region, Template
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.emulator import Emulator


@pytest.fixture
def client(cloud: Emulator) -> Client:
    return Client(Settings(cloud.token, cloud.url))


@pytest.fixture
def catalog(client: Client) -> Catalog:
    return Catalog(client)


@pytest.fixture
def sydney(client: Client) -> Region:
    [found] = [region for region in client.list(Region) if region.code == "SY3"]
    return found


@pytest.fixture
def melbourne(client: Client) -> Region:
    [found] = [region for region in client.list(Region) if region.code == "ML1"]
    return found


def unknown(act: Callable[[], object]) -> str:
    with pytest.raises(ArgumentError) as caught:
        act()
    return str(caught.value)


def test_a_region(catalog: Catalog, sydney: Region) -> None:
    """A region is meant by its id, its code or its name."""
    assert [catalog.region(said) for said in (sydney.id, "SY3", "AU East")] == [sydney] * 3


def test_a_tier(client: Client, catalog: Catalog, sydney: Region, melbourne: Region) -> None:
    """A tier is meant by its id or its name, for one use, in one region."""
    tiers = {
        (use, tier.region.code, tier.name): tier
        for use in ("disks", "instances")
        for tier in client.list(PerformanceTier, f"/performance_tiers/{use}")
    }
    assert catalog.performance_tier("Fast", "disks", sydney) == tiers["disks", "SY3", "Fast"]
    assert catalog.performance_tier("Fast", "disks", melbourne) == tiers["disks", "ML1", "Fast"]
    assert catalog.performance_tier("Fast", "instances", sydney) == tiers["instances", "SY3", "Fast"]
    fast = tiers["disks", "SY3", "Fast"]
    assert catalog.performance_tier(fast.id, "disks", sydney) == fast


def test_a_template(client: Client, catalog: Catalog, sydney: Region, melbourne: Region) -> None:
    """A slug or a name means the newest version in the region; an id means that version, superseded or not."""
    versions = {
        (template.region.code, template.version): template
        for template in client.list(Template)
        if template.slug == "ubuntu-16-04"
    }
    assert catalog.template("ubuntu-16-04", sydney) == versions["SY3", 2]
    assert catalog.template("Ubuntu 16.04", melbourne) == versions["ML1", 2]
    assert catalog.template(versions["SY3", 1].id, sydney) == versions["SY3", 1]


def test_a_newer_template_that_is_not_shown(cloud: Emulator, client: Client, catalog: Catalog, sydney: Region) -> None:
    """A version whose successor the account may not see is the newest one there is."""
    debian = catalog.template("debian-9", sydney)
    cloud.change(debian.id, superseded_by_id="00000000-0000-4000-8000-000000000000")
    assert Catalog(client).template("debian-9", sydney).id == debian.id


def test_all_versions_of_a_template(catalog: Catalog, sydney: Region) -> None:
    """All versions of a template are found by its slug, and by the id of any of them, the newest first."""
    line = catalog.template_line("ubuntu-16-04", sydney)
    assert [(template.slug, template.version) for template in line] == [("ubuntu-16-04", 2), ("ubuntu-16-04", 1)]
    assert [catalog.template_line(template.id, sydney) for template in line] == [line, line]
    assert [template.slug for template in catalog.template_line("debian-9", sydney)] == ["debian-9"]


def test_a_new_template(cloud: Emulator, catalog: Catalog, sydney: Region) -> None:
    """Once there is a new template the list is asked for again, and only that one."""
    debian = catalog.template("debian-9", catalog.region("SY3"))
    cloud.change(debian.id, slug="debian-10")
    assert catalog.template("debian-9", sydney) == debian
    catalog.forget_templates()
    assert catalog.template("debian-10", catalog.region("SY3")).id == debian.id
    asked = [request.operation for request in cloud.requests]
    assert (asked.count("GET /templates"), asked.count("GET /regions")) == (2, 2)


def test_what_is_unknown(catalog: Catalog, sydney: Region) -> None:
    """An unknown word is refused with what there is, in words that can be used."""
    assert unknown(lambda: catalog.region("SY4")) == "region: is unknown; available: ML1, SY3"
    assert unknown(lambda: catalog.performance_tier("Faster", "disks", sydney)) == (
        "performance_tier: is unknown in region SY3; available: Fast, Standard"
    )
    assert unknown(lambda: catalog.template("ubuntu", sydney)) == (
        "template: is unknown in region SY3; available: debian-9, ubuntu-16-04, windows-2016"
    )


@pytest.mark.parametrize("said", ["", " ", "sy3", "SY3 ", "00000000-0000-0000-0000-000000000000", "x" * 10_000])
def test_words_are_exact(catalog: Catalog, said: str) -> None:
    """Nothing is guessed from a word that is nearly right."""
    assert " is unknown; available: ML1, SY3" in unknown(lambda: catalog.region(said))


def test_elsewhere(client: Client, catalog: Catalog, sydney: Region, melbourne: Region) -> None:
    """What exists in another region only is refused with just that."""
    tiers = client.list(PerformanceTier, "/performance_tiers/disks")
    there = next(tier.id for tier in tiers if tier.region == melbourne)
    assert unknown(lambda: catalog.performance_tier(there, "disks", sydney)) == (
        "performance_tier: is not in region SY3; available: Fast, Standard"
    )
    template = next(template.id for template in client.list(Template) if template.region == melbourne)
    assert unknown(lambda: catalog.template(template, sydney)).startswith(
        "template: is not in region SY3; available: debian-9, "
    )


def test_a_region_without_anything(cloud: Emulator, catalog: Catalog, sydney: Region) -> None:
    """A region without any tier says so."""
    cloud.fail("GET /performance_tiers/disks", body=b"[]", status=200)
    assert unknown(lambda: catalog.performance_tier("Fast", "disks", sydney)) == (
        "performance_tier: is unknown in region SY3; available: nothing"
    )


def test_an_ambiguous_name(cloud: Emulator, client: Client, catalog: Catalog, sydney: Region) -> None:
    """Two templates of one name in a region are refused with their ids; elsewhere the name is still clear."""
    debian = catalog.template("debian-9", sydney)
    ubuntu = catalog.template("ubuntu-16-04", sydney)
    cloud.change(debian.id, name="Ubuntu 16.04")
    text = unknown(lambda: Catalog(client).template("Ubuntu 16.04", sydney))
    start = "template: matches several in region SY3; use an id: "
    assert text.startswith(start)
    assert sorted(text.removeprefix(start).split(", ")) == sorted([debian.id, ubuntu.id])
    assert Catalog(client).template(debian.id, sydney).id == debian.id


def test_a_template_without_words(cloud: Emulator, client: Client, catalog: Catalog, sydney: Region) -> None:
    """A template without slug and name is offered by its id."""
    debian = catalog.template("debian-9", sydney)
    cloud.change(debian.id, name=None, slug=None)
    assert debian.id in unknown(lambda: Catalog(client).template("debian-9", sydney))


def test_names_that_a_terminal_would_obey(cloud: Emulator, client: Client, catalog: Catalog, sydney: Region) -> None:
    """A published template's name, which is somebody else's text, reaches no terminal as it is."""
    debian = catalog.template("debian-9", sydney)
    cloud.change(debian.id, name="\x1b[2Jgone", slug=None)
    text = unknown(lambda: Catalog(client).template("x", sydney))
    assert text.isprintable()
    assert "[2Jgone" in text


def test_another_argument(catalog: Catalog, sydney: Region) -> None:
    """A refusal is at the argument that was looked up."""
    with pytest.raises(ArgumentError) as caught:
        catalog.performance_tier("x", "disks", sydney, "boot_disk.performance_tier")
    assert caught.value.argument == "boot_disk.performance_tier"
    with pytest.raises(ArgumentError) as caught:
        catalog.template("x", sydney, "boot_disk.template")
    assert caught.value.argument == "boot_disk.template"


def test_one_list_per_process(cloud: Emulator, catalog: Catalog) -> None:
    """However many threads look something up at once, each list is asked for once."""
    cloud.fail("GET /regions", delay=0.1)

    def look(n: int) -> str:
        region = catalog.region(("SY3", "ML1")[n % 2])
        catalog.performance_tier("Fast", "disks", region)
        return catalog.template("debian-9", region).region.code

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(look, range(32))) == ["SY3", "ML1"] * 16
    operations = [request.operation for request in cloud.requests]
    assert sorted(map(str, operations)) == ["GET /performance_tiers/disks", "GET /regions", "GET /templates"]


def test_lists_do_not_wait_for_each_other(cloud: Emulator, catalog: Catalog, sydney: Region) -> None:
    """While one list is slow, another one is asked for and used."""
    cloud.fail("GET /regions", delay=0.5)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(catalog.region, "SY3")
        catalog.template("debian-9", sydney)
        assert not slow.done()
        assert slow.result() == sydney


def test_a_list_that_failed(cloud: Emulator, catalog: Catalog) -> None:
    """A failure is shared by those who waited for it, and the next look-up asks again."""
    cloud.fail("GET /regions", error="forbidden", delay=0.2)
    together = threading.Barrier(16)

    def look(_n: int) -> JoviamError | None:
        together.wait()
        try:
            catalog.region("SY3")
        except JoviamError as error:
            return error
        return None

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(look, range(16)))
    assert [type(result) for result in results] == [Forbidden] * 16
    assert len(cloud.requests) == 1
    assert catalog.region("SY3").code == "SY3"
    assert len(cloud.requests) == 2
