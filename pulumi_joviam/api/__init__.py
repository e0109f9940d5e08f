"""A client library for the Joviam API. It does not import Pulumi, so it works in a plain script."""
