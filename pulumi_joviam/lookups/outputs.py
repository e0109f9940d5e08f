"""The look-ups that take Outputs and return one. Written by tools/look_ups.py from the plain ones: edit those."""

from __future__ import annotations

import pulumi

from pulumi_joviam.api.models import (
    Disk,
    Instance,
    IpAddress,
    Network,
    PerformanceTier,
    PublicKey,
    Region,
    Template,
)
from pulumi_joviam.lookups import Bool, Opts, Text, Use
from pulumi_joviam.lookups.query import find_all, find_one, run_output


def get_region_output(
    *,
    id: pulumi.Input[Text] = None,
    code: pulumi.Input[Text] = None,
    name: pulumi.Input[Text] = None,
    opts: Opts = None,
) -> pulumi.Output[Region]:
    """Return an Output of what get_region returns."""
    return run_output(find_one, Region, locals())


def get_regions_output(
    *,
    opts: Opts = None,
) -> pulumi.Output[list[Region]]:
    """Return an Output of what get_regions returns."""
    return run_output(find_all, Region, locals())


def get_performance_tier_output(
    *,
    use: pulumi.Input[Use] = None,
    id: pulumi.Input[Text] = None,
    name: pulumi.Input[Text] = None,
    region: pulumi.Input[Text] = None,
    opts: Opts = None,
) -> pulumi.Output[PerformanceTier]:
    """Return an Output of what get_performance_tier returns."""
    return run_output(find_one, PerformanceTier, locals())


def get_performance_tiers_output(
    *,
    use: pulumi.Input[Use] = None,
    region: pulumi.Input[Text] = None,
    opts: Opts = None,
) -> pulumi.Output[list[PerformanceTier]]:
    """Return an Output of what get_performance_tiers returns."""
    return run_output(find_all, PerformanceTier, locals())


def get_template_output(
    *,
    id: pulumi.Input[Text] = None,
    slug: pulumi.Input[Text] = None,
    name: pulumi.Input[Text] = None,
    region: pulumi.Input[Text] = None,
    opts: Opts = None,
) -> pulumi.Output[Template]:
    """Return an Output of what get_template returns."""
    return run_output(find_one, Template, locals())


def get_templates_output(
    *,
    region: pulumi.Input[Text] = None,
    superseded: pulumi.Input[Bool] = None,
    opts: Opts = None,
) -> pulumi.Output[list[Template]]:
    """Return an Output of what get_templates returns."""
    return run_output(find_all, Template, locals())


def get_disk_output(
    *,
    id: pulumi.Input[Text] = None,
    name: pulumi.Input[Text] = None,
    region: pulumi.Input[Text] = None,
    opts: Opts = None,
) -> pulumi.Output[Disk]:
    """Return an Output of what get_disk returns."""
    return run_output(find_one, Disk, locals())


def get_disks_output(
    *,
    region: pulumi.Input[Text] = None,
    opts: Opts = None,
) -> pulumi.Output[list[Disk]]:
    """Return an Output of what get_disks returns."""
    return run_output(find_all, Disk, locals())


def get_instance_output(
    *,
    id: pulumi.Input[Text] = None,
    name: pulumi.Input[Text] = None,
    region: pulumi.Input[Text] = None,
    opts: Opts = None,
) -> pulumi.Output[Instance]:
    """Return an Output of what get_instance returns."""
    return run_output(find_one, Instance, locals())


def get_instances_output(
    *,
    region: pulumi.Input[Text] = None,
    opts: Opts = None,
) -> pulumi.Output[list[Instance]]:
    """Return an Output of what get_instances returns."""
    return run_output(find_all, Instance, locals())


def get_network_output(
    *,
    id: pulumi.Input[Text] = None,
    name: pulumi.Input[Text] = None,
    specification: pulumi.Input[Text] = None,
    region: pulumi.Input[Text] = None,
    opts: Opts = None,
) -> pulumi.Output[Network]:
    """Return an Output of what get_network returns."""
    return run_output(find_one, Network, locals())


def get_networks_output(
    *,
    public: pulumi.Input[Bool] = None,
    region: pulumi.Input[Text] = None,
    opts: Opts = None,
) -> pulumi.Output[list[Network]]:
    """Return an Output of what get_networks returns."""
    return run_output(find_all, Network, locals())


def get_ip_address_output(
    *,
    id: pulumi.Input[Text] = None,
    address: pulumi.Input[Text] = None,
    name: pulumi.Input[Text] = None,
    opts: Opts = None,
) -> pulumi.Output[IpAddress]:
    """Return an Output of what get_ip_address returns."""
    return run_output(find_one, IpAddress, locals())


def get_ip_addresses_output(
    *,
    public: pulumi.Input[Bool] = None,
    opts: Opts = None,
) -> pulumi.Output[list[IpAddress]]:
    """Return an Output of what get_ip_addresses returns."""
    return run_output(find_all, IpAddress, locals())


def get_public_key_output(
    *,
    id: pulumi.Input[Text] = None,
    name: pulumi.Input[Text] = None,
    opts: Opts = None,
) -> pulumi.Output[PublicKey]:
    """Return an Output of what get_public_key returns."""
    return run_output(find_one, PublicKey, locals())


def get_public_keys_output(
    *,
    opts: Opts = None,
) -> pulumi.Output[list[PublicKey]]:
    """Return an Output of what get_public_keys returns."""
    return run_output(find_all, PublicKey, locals())
