"""The native plugin: the same lifecycles, for programs in any language of Pulumi.

Other programs do not load it: no other part of the package imports it.
"""
