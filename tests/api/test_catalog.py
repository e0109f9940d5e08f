"""Names of regions, tiers and templates: which object they refer to, and errors for unknown ones."""

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


def error_of(act: Callable[[], object]) -> str:
    with pytest.raises(ArgumentError) as caught:
        act()
    return str(caught.value)


def test_a_region_by_id_code_or_name(catalog: Catalog, sydney: Region) -> None:
    """A region is found by its id, code or name."""
    assert [catalog.region(name) for name in (sydney.id, "SY3", "AU East")] == [sydney] * 3


def test_a_tier_by_id_or_name(client: Client, catalog: Catalog, sydney: Region, melbourne: Region) -> None:
    """A tier is found by its id or name, for one use, in one region."""
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


def test_a_template_by_id_slug_or_name(client: Client, catalog: Catalog, sydney: Region, melbourne: Region) -> None:
    """A slug or name refers to the newest version in the region; an id to that version, superseded or not."""
    versions = {
        (template.region.code, template.version): template
        for template in client.list(Template)
        if template.slug == "ubuntu-16-04"
    }
    assert catalog.template("ubuntu-16-04", sydney) == versions["SY3", 2]
    assert catalog.template("Ubuntu 16.04", melbourne) == versions["ML1", 2]
    assert catalog.template(versions["SY3", 1].id, sydney) == versions["SY3", 1]


def test_a_newer_template_that_is_not_visible(
    cloud: Emulator, client: Client, catalog: Catalog, sydney: Region
) -> None:
    """A version whose successor the account cannot see is the newest one."""
    debian = catalog.template("debian-9", sydney)
    cloud.change(debian.id, superseded_by_id="00000000-0000-4000-8000-000000000000")
    assert Catalog(client).template("debian-9", sydney).id == debian.id


def test_all_versions_of_a_template(catalog: Catalog, sydney: Region) -> None:
    """All versions of a template are found by its slug or the id of any version, the newest first."""
    line = catalog.template_line("ubuntu-16-04", sydney)
    assert [(template.slug, template.version) for template in line] == [("ubuntu-16-04", 2), ("ubuntu-16-04", 1)]
    assert [catalog.template_line(template.id, sydney) for template in line] == [line, line]
    assert [template.slug for template in catalog.template_line("debian-9", sydney)] == ["debian-9"]


def test_forget_templates_reloads_only_templates(cloud: Emulator, catalog: Catalog, sydney: Region) -> None:
    """forget_templates reloads the list of templates, and no other."""
    debian = catalog.template("debian-9", catalog.region("SY3"))
    cloud.change(debian.id, slug="debian-10")
    assert catalog.template("debian-9", sydney) == debian
    catalog.forget_templates()
    assert catalog.template("debian-10", catalog.region("SY3")).id == debian.id
    operations = [request.operation for request in cloud.requests]
    assert (operations.count("GET /templates"), operations.count("GET /regions")) == (2, 2)


def test_an_unknown_name_lists_the_available_ones(catalog: Catalog, sydney: Region) -> None:
    """The error for an unknown name lists names that can be used."""
    assert error_of(lambda: catalog.region("SY4")) == "region: is unknown; available: ML1, SY3"
    assert error_of(lambda: catalog.performance_tier("Faster", "disks", sydney)) == (
        "performance_tier: is unknown in region SY3; available: Fast, Standard"
    )
    assert error_of(lambda: catalog.template("ubuntu", sydney)) == (
        "template: is unknown in region SY3; available: debian-9, ubuntu-16-04, windows-2016"
    )


@pytest.mark.parametrize("name", ["", " ", "sy3", "SY3 ", "00000000-0000-0000-0000-000000000000", "x" * 10_000])
def test_names_match_exactly(catalog: Catalog, name: str) -> None:
    """A nearly correct name is unknown."""
    assert " is unknown; available: ML1, SY3" in error_of(lambda: catalog.region(name))


def test_an_object_of_another_region(client: Client, catalog: Catalog, sydney: Region, melbourne: Region) -> None:
    """The error for an object of another region says so."""
    tiers = client.list(PerformanceTier, "/performance_tiers/disks")
    elsewhere = next(tier.id for tier in tiers if tier.region == melbourne)
    assert error_of(lambda: catalog.performance_tier(elsewhere, "disks", sydney)) == (
        "performance_tier: is not in region SY3; available: Fast, Standard"
    )
    template = next(template.id for template in client.list(Template) if template.region == melbourne)
    assert error_of(lambda: catalog.template(template, sydney)).startswith(
        "template: is not in region SY3; available: debian-9, "
    )


def test_a_region_without_tiers(cloud: Emulator, catalog: Catalog, sydney: Region) -> None:
    """The error says that no tier is available."""
    cloud.fail("GET /performance_tiers/disks", body=b"[]", status=200)
    assert error_of(lambda: catalog.performance_tier("Fast", "disks", sydney)) == (
        "performance_tier: is unknown in region SY3; available: nothing"
    )


def test_an_ambiguous_name(cloud: Emulator, client: Client, catalog: Catalog, sydney: Region) -> None:
    """The error for a name of two templates in a region lists their ids, which can be used instead."""
    debian = catalog.template("debian-9", sydney)
    ubuntu = catalog.template("ubuntu-16-04", sydney)
    cloud.change(debian.id, name="Ubuntu 16.04")
    text = error_of(lambda: Catalog(client).template("Ubuntu 16.04", sydney))
    start = "template: matches several in region SY3; use an id: "
    assert text.startswith(start)
    assert sorted(text.removeprefix(start).split(", ")) == sorted([debian.id, ubuntu.id])
    assert Catalog(client).template(debian.id, sydney).id == debian.id


def test_a_template_without_slug_and_name(cloud: Emulator, client: Client, catalog: Catalog, sydney: Region) -> None:
    """A template without slug and name is listed by its id."""
    debian = catalog.template("debian-9", sydney)
    cloud.change(debian.id, name=None, slug=None)
    assert debian.id in error_of(lambda: Catalog(client).template("debian-9", sydney))


def test_control_characters_in_names(cloud: Emulator, client: Client, catalog: Catalog, sydney: Region) -> None:
    """The name of a published template is untrusted: control characters are removed."""
    debian = catalog.template("debian-9", sydney)
    cloud.change(debian.id, name="\x1b[2Jgone", slug=None)
    text = error_of(lambda: Catalog(client).template("x", sydney))
    assert text.isprintable()
    assert "[2Jgone" in text


def test_the_error_names_the_argument(catalog: Catalog, sydney: Region) -> None:
    """The error names the argument that was looked up."""
    with pytest.raises(ArgumentError) as caught:
        catalog.performance_tier("x", "disks", sydney, "boot_disk.performance_tier")
    assert caught.value.argument == "boot_disk.performance_tier"
    with pytest.raises(ArgumentError) as caught:
        catalog.template("x", sydney, "boot_disk.template")
    assert caught.value.argument == "boot_disk.template"


def test_one_list_per_process(cloud: Emulator, catalog: Catalog) -> None:
    """Each list is requested once, however many threads use it at once."""
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
    """A slow list does not delay another one."""
    cloud.fail("GET /regions", delay=0.5)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(catalog.region, "SY3")
        catalog.template("debian-9", sydney)
        assert not slow.done()
        assert slow.result() == sydney


def test_a_failed_list_is_requested_again(cloud: Emulator, catalog: Catalog) -> None:
    """Concurrent callers share the failure; the next call tries again."""
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
