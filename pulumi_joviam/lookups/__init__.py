"""Look-ups find an existing object by its id or by its name; the plural ones list all.

    ubuntu = joviam.get_template(slug="ubuntu-16-04", region="SY3")
    network = joviam.get_network_output(id=stack_reference.require_output("network"))

Every look-up has two forms. The plain one takes plain values, asks the API at once and waits for the response. The
`_output` form also takes Outputs and returns an Output. The program goes on meanwhile; in a preview, an unknown input
leaves the result unknown. ``opts=pulumi.InvokeOptions(provider=…)`` asks another account. The `_output` forms also take
``pulumi.InvokeOutputOptions(depends_on=[…])`` and ask when those resources exist.

All arguments must match, exactly. A singular look-up needs more than a region; if nothing or more than one object
matches, it raises pulumi.RunError with the candidates. A plural one returns a list in the API's order, which may be
empty. ``region`` is an id, a code or a name. Each region has its own templates and performance tiers, so a singular
look-up of these by anything but an id is limited to one region: the stack's (joviam:region, or that of the Provider
that is asked) unless you pass another. Everything else, and every list, covers all regions by default. Terminated and
transferred objects are not found. By id, the object itself is requested. The lists of regions, performance tiers and
templates are requested once per process. Results have the API's attributes in the API's units: disks in GB, memory in
MB.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import pulumi

from pulumi_joviam.api.models import Disk, Instance, IpAddress, Network, PerformanceTier, PublicKey, Region, Template
from pulumi_joviam.lookups.query import find_all, find_one, run

Opts: TypeAlias = pulumi.InvokeOptions | None
Use: TypeAlias = Literal["disk", "instance"] | None
Text: TypeAlias = str | None
Bool: TypeAlias = bool | None

# Below, locals() are the arguments as they were passed. The _output forms are in outputs.py, which tools/look_ups.py
# writes from these.


# -- regions, performance tiers, templates: what Joviam offers --


def get_region(*, id: Text = None, code: Text = None, name: Text = None, opts: Opts = None) -> Region:
    """Return the one region that matches, or raise RunError. Source: reference, "Region Show", "Region List"."""
    return run(find_one, Region, locals())


def get_regions(*, opts: Opts = None) -> list[Region]:
    """Return all regions. Source: reference, "Region List"."""
    return run(find_all, Region, locals())


def get_performance_tier(
    *, use: Use = None, id: Text = None, name: Text = None, region: Text = None, opts: Opts = None
) -> PerformanceTier:
    """Return the one performance tier that matches, or raise RunError.

    Every region has its own. ``region`` defaults to the stack's (joviam:region, or that of the Provider), but by id any
    is found. Source: reference, "Performance Tier List".
    """
    return run(find_one, PerformanceTier, locals())


def get_performance_tiers(*, use: Use = None, region: Text = None, opts: Opts = None) -> list[PerformanceTier]:
    """Return the performance tiers for disks, for instances, or (no ``use``) for both.

    Source: reference, "Performance Tier List".
    """
    return run(find_all, PerformanceTier, locals())


def get_template(
    *, id: Text = None, slug: Text = None, name: Text = None, region: Text = None, opts: Opts = None
) -> Template:
    """Return the one template that matches, or raise RunError.

    Every region has its own. ``region`` defaults to the stack's (joviam:region, or that of the Provider), but by id any
    is found. A slug or a name means the newest version, which nothing supersedes; an id means any.
    Source: reference, "Template Show", "Template List".
    """
    return run(find_one, Template, locals())


def get_templates(*, region: Text = None, superseded: Bool = None, opts: Opts = None) -> list[Template]:
    """Return all versions of all templates, or only those (not) superseded. Source: reference, "Template List"."""
    return run(find_all, Template, locals())


# -- disks, instances, networks, IP addresses, public keys: what the account has --


def get_disk(*, id: Text = None, name: Text = None, region: Text = None, opts: Opts = None) -> Disk:
    """Return the one disk that matches, or raise RunError. Source: reference, "Disk Show", "Disk List"."""
    return run(find_one, Disk, locals())


def get_disks(*, region: Text = None, opts: Opts = None) -> list[Disk]:
    """Return all disks. Source: reference, "Disk List"."""
    return run(find_all, Disk, locals())


def get_instance(*, id: Text = None, name: Text = None, region: Text = None, opts: Opts = None) -> Instance:
    """Return the one instance that matches, without its note and context, or raise RunError.

    Source: reference, "Instance Show", "Instance List".
    """
    return run(find_one, Instance, locals())


def get_instances(*, region: Text = None, opts: Opts = None) -> list[Instance]:
    """Return all instances, without their notes and contexts. Source: reference, "Instance List"."""
    return run(find_all, Instance, locals())


def get_network(
    *, id: Text = None, name: Text = None, specification: Text = None, region: Text = None, opts: Opts = None
) -> Network:
    """Return the one network that matches, public or private, or raise RunError. ``specification`` is in CIDR format.

    Source: reference, "Network Show", "Network List".
    """
    return run(find_one, Network, locals())


def get_networks(*, public: Bool = None, region: Text = None, opts: Opts = None) -> list[Network]:
    """Return all networks, or the public (True) or private ones (False). Source: reference, "Network List"."""
    return run(find_all, Network, locals())


def get_ip_address(*, id: Text = None, address: Text = None, name: Text = None, opts: Opts = None) -> IpAddress:
    """Return the one IP address that matches, or raise RunError. Source: reference, "IP Address"."""
    return run(find_one, IpAddress, locals())


def get_ip_addresses(*, public: Bool = None, opts: Opts = None) -> list[IpAddress]:
    """Return all IP addresses, or the public (True) or private ones (False). Source: reference, "IP Address List"."""
    return run(find_all, IpAddress, locals())


def get_public_key(*, id: Text = None, name: Text = None, opts: Opts = None) -> PublicKey:
    """Return the one public key that matches, or raise RunError. Source: reference, "Public Key"."""
    return run(find_one, PublicKey, locals())


def get_public_keys(*, opts: Opts = None) -> list[PublicKey]:
    """Return all public keys. Source: reference, "Public Key List"."""
    return run(find_all, PublicKey, locals())
