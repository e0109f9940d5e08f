"""A client of the Joviam API. It works in a plain script: nothing here knows of Pulumi."""
