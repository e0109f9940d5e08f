"""Look-ups find what is there already, by its id or by what a person calls it; their plurals list it.

    ubuntu = joviam.get_template(slug="ubuntu-16-04", region="SY3")
    network = joviam.get_network_output(id=stack_reference.require_output("network"))

Every look-up has two forms. The plain one takes plain values, asks at once and waits for the answer. The `_output`
form takes Outputs too and returns an Output; resources are registered meanwhile, and in a preview an input that is
unknown leaves the answer unknown. With ``opts=pulumi.InvokeOptions(provider=…)`` another account is asked; the
`_output` forms also take ``pulumi.InvokeOutputOptions(depends_on=[…])`` and ask when those resources are there.

Whatever is said must fit, exactly. A singular look-up needs more than a region, and raises pulumi.RunError with the
candidates if none or several fit. A plural one returns a list in the API's order, which may be empty. ``region`` is
an id, a code or a name. Every region has its own templates and performance tiers, so one of them that is looked up by a
word is that of the stack's region (joviam:region, or the region of the Provider that is asked) where no region is said,
as with resources; everything else, and every list, has no default: everywhere. What is terminated or was transferred is
not found. By id the object itself is asked for; the lists of regions, performance tiers and
templates are asked for once per process. Answers have the API's attributes, with sizes in its units: GB of a disk,
MB of memory.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import pulumi

from pulumi_joviam.api.models import Disk, Instance, IpAddress, Network, PerformanceTier, PublicKey, Region, Template
from pulumi_joviam.lookups.query import find_all, find_one, run, run_output

Opts: TypeAlias = "pulumi.InvokeOptions | None"
Use: TypeAlias = Literal["disk", "instance"]
Text: TypeAlias = "str | None"
Bool: TypeAlias = "bool | None"
LaterUse: TypeAlias = "pulumi.Input[Use | None] | None"
LaterText: TypeAlias = "pulumi.Input[str | None] | None"
LaterBool: TypeAlias = "pulumi.Input[bool | None] | None"


# -- regions, performance tiers, templates: what Joviam offers --


def get_region(*, id: Text = None, code: Text = None, name: Text = None, opts: Opts = None) -> Region:
    """Return the one region that fits, or raise RunError. Source: reference, "Region Show", "Region List"."""
    return run(find_one, Region, opts, id=id, code=code, name=name)


def get_region_output(
    *, id: LaterText = None, code: LaterText = None, name: LaterText = None, opts: Opts = None
) -> pulumi.Output[Region]:
    """Return what get_region does, later."""
    return run_output(find_one, Region, opts, id=id, code=code, name=name)


def get_regions(*, opts: Opts = None) -> list[Region]:
    """Return all regions. Source: reference, "Region List"."""
    return run(find_all, Region, opts)


def get_regions_output(*, opts: Opts = None) -> pulumi.Output[list[Region]]:
    """Return what get_regions does, later."""
    return run_output(find_all, Region, opts)


def get_performance_tier(
    *, use: Use | None = None, id: Text = None, name: Text = None, region: Text = None, opts: Opts = None
) -> PerformanceTier:
    """Return the one performance tier that fits, or raise RunError.

    Every region has its own. ``region`` defaults to the stack's (joviam:region, or that of the Provider), but by id any
    is found. Source: reference, "Performance Tier List".
    """
    return run(find_one, PerformanceTier, opts, id=id, name=name, use=use, region=region)


def get_performance_tier_output(
    *, use: LaterUse = None, id: LaterText = None, name: LaterText = None, region: LaterText = None, opts: Opts = None
) -> pulumi.Output[PerformanceTier]:
    """Return what get_performance_tier does, later."""
    return run_output(find_one, PerformanceTier, opts, id=id, name=name, use=use, region=region)


def get_performance_tiers(*, use: Use | None = None, region: Text = None, opts: Opts = None) -> list[PerformanceTier]:
    """Return the performance tiers for disks, for instances, or (no ``use``) for both.

    Source: reference, "Performance Tier List".
    """
    return run(find_all, PerformanceTier, opts, use=use, region=region)


def get_performance_tiers_output(
    *, use: LaterUse = None, region: LaterText = None, opts: Opts = None
) -> pulumi.Output[list[PerformanceTier]]:
    """Return what get_performance_tiers does, later."""
    return run_output(find_all, PerformanceTier, opts, use=use, region=region)


def get_template(
    *, id: Text = None, slug: Text = None, name: Text = None, region: Text = None, opts: Opts = None
) -> Template:
    """Return the one template that fits, or raise RunError.

    Every region has its own. ``region`` defaults to the stack's (joviam:region, or that of the Provider), but by id any
    is found. A slug or a name means the newest version, which nothing supersedes; an id means any.
    Source: reference, "Template Show", "Template List".
    """
    return run(find_one, Template, opts, id=id, slug=slug, name=name, region=region)


def get_template_output(
    *, id: LaterText = None, slug: LaterText = None, name: LaterText = None, region: LaterText = None, opts: Opts = None
) -> pulumi.Output[Template]:
    """Return what get_template does, later."""
    return run_output(find_one, Template, opts, id=id, slug=slug, name=name, region=region)


def get_templates(*, region: Text = None, superseded: Bool = None, opts: Opts = None) -> list[Template]:
    """Return all versions of all templates, or only those (not) superseded. Source: reference, "Template List"."""
    return run(find_all, Template, opts, region=region, superseded=superseded)


def get_templates_output(
    *, region: LaterText = None, superseded: LaterBool = None, opts: Opts = None
) -> pulumi.Output[list[Template]]:
    """Return what get_templates does, later."""
    return run_output(find_all, Template, opts, region=region, superseded=superseded)


# -- disks, instances, networks, IP addresses, public keys: what the account has --


def get_disk(*, id: Text = None, name: Text = None, region: Text = None, opts: Opts = None) -> Disk:
    """Return the one disk that fits, or raise RunError. Source: reference, "Disk Show", "Disk List"."""
    return run(find_one, Disk, opts, id=id, name=name, region=region)


def get_disk_output(
    *, id: LaterText = None, name: LaterText = None, region: LaterText = None, opts: Opts = None
) -> pulumi.Output[Disk]:
    """Return what get_disk does, later."""
    return run_output(find_one, Disk, opts, id=id, name=name, region=region)


def get_disks(*, region: Text = None, opts: Opts = None) -> list[Disk]:
    """Return all disks. Source: reference, "Disk List"."""
    return run(find_all, Disk, opts, region=region)


def get_disks_output(*, region: LaterText = None, opts: Opts = None) -> pulumi.Output[list[Disk]]:
    """Return what get_disks does, later."""
    return run_output(find_all, Disk, opts, region=region)


def get_instance(*, id: Text = None, name: Text = None, region: Text = None, opts: Opts = None) -> Instance:
    """Return the one instance that fits, without its note and context, or raise RunError.

    Source: reference, "Instance Show", "Instance List".
    """
    return run(find_one, Instance, opts, id=id, name=name, region=region)


def get_instance_output(
    *, id: LaterText = None, name: LaterText = None, region: LaterText = None, opts: Opts = None
) -> pulumi.Output[Instance]:
    """Return what get_instance does, later."""
    return run_output(find_one, Instance, opts, id=id, name=name, region=region)


def get_instances(*, region: Text = None, opts: Opts = None) -> list[Instance]:
    """Return all instances, without their notes and contexts. Source: reference, "Instance List"."""
    return run(find_all, Instance, opts, region=region)


def get_instances_output(*, region: LaterText = None, opts: Opts = None) -> pulumi.Output[list[Instance]]:
    """Return what get_instances does, later."""
    return run_output(find_all, Instance, opts, region=region)


def get_network(
    *, id: Text = None, name: Text = None, specification: Text = None, region: Text = None, opts: Opts = None
) -> Network:
    """Return the one network that fits, public or private, or raise RunError. ``specification`` is in CIDR format.

    Source: reference, "Network Show", "Network List".
    """
    return run(find_one, Network, opts, id=id, name=name, specification=specification, region=region)


def get_network_output(
    *,
    id: LaterText = None,
    name: LaterText = None,
    specification: LaterText = None,
    region: LaterText = None,
    opts: Opts = None,
) -> pulumi.Output[Network]:
    """Return what get_network does, later."""
    return run_output(find_one, Network, opts, id=id, name=name, specification=specification, region=region)


def get_networks(*, public: Bool = None, region: Text = None, opts: Opts = None) -> list[Network]:
    """Return all networks, or the public (True) or private ones (False). Source: reference, "Network List"."""
    return run(find_all, Network, opts, public=public, region=region)


def get_networks_output(
    *, public: LaterBool = None, region: LaterText = None, opts: Opts = None
) -> pulumi.Output[list[Network]]:
    """Return what get_networks does, later."""
    return run_output(find_all, Network, opts, public=public, region=region)


def get_ip_address(*, id: Text = None, address: Text = None, name: Text = None, opts: Opts = None) -> IpAddress:
    """Return the one IP address that fits, or raise RunError. Source: reference, "IP Address"."""
    return run(find_one, IpAddress, opts, id=id, address=address, name=name)


def get_ip_address_output(
    *, id: LaterText = None, address: LaterText = None, name: LaterText = None, opts: Opts = None
) -> pulumi.Output[IpAddress]:
    """Return what get_ip_address does, later."""
    return run_output(find_one, IpAddress, opts, id=id, address=address, name=name)


def get_ip_addresses(*, public: Bool = None, opts: Opts = None) -> list[IpAddress]:
    """Return all IP addresses, or the public (True) or private ones (False). Source: reference, "IP Address List"."""
    return run(find_all, IpAddress, opts, public=public)


def get_ip_addresses_output(*, public: LaterBool = None, opts: Opts = None) -> pulumi.Output[list[IpAddress]]:
    """Return what get_ip_addresses does, later."""
    return run_output(find_all, IpAddress, opts, public=public)


def get_public_key(*, id: Text = None, name: Text = None, opts: Opts = None) -> PublicKey:
    """Return the one public key that fits, or raise RunError. Source: reference, "Public Key"."""
    return run(find_one, PublicKey, opts, id=id, name=name)


def get_public_key_output(
    *, id: LaterText = None, name: LaterText = None, opts: Opts = None
) -> pulumi.Output[PublicKey]:
    """Return what get_public_key does, later."""
    return run_output(find_one, PublicKey, opts, id=id, name=name)


def get_public_keys(*, opts: Opts = None) -> list[PublicKey]:
    """Return all public keys. Source: reference, "Public Key List"."""
    return run(find_all, PublicKey, opts)


def get_public_keys_output(*, opts: Opts = None) -> pulumi.Output[list[PublicKey]]:
    """Return what get_public_keys does, later."""
    return run_output(find_all, PublicKey, opts)
