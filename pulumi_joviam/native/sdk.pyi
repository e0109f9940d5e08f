"""What type checkers read: all names are those of pulumi_joviam."""

from pulumi_joviam import *
