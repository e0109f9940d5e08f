"""A fixed address in a network."""

import pulumi_joviam as joviam

lan = joviam.Network("fixed-lan", specification="10.21.0.0/24")
joviam.IpAddress("fixed-db", network=lan.id, address="10.21.0.20")
