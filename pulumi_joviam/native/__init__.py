"""The native door: the same lifecycles as a plugin of our own, for programs in any language of Pulumi.

No program in Python pays for it: nothing outside this folder imports it, but the command.
"""
