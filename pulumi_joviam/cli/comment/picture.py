"""The stack as a Mermaid flowchart: dependencies and changes.

A preview names unchanged resources only with --show-sames; without it they are in the picture where a change uses them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pulumi_joviam.cli.comment.preview import STACK, Preview, Resource
from pulumi_joviam.cli.comment.text import label

MOST_RESOURCES = 40
MOST_ALONE = 6
"""Number of unconnected resources that are drawn: they show little."""
MOST_ARROWS = 200

SHAPES = {"Disk": ("[(", ")]"), "Network": ("{{", "}}"), "IpAddress": ("([", "])"), "PublicKey": (">", "]")}
"""{kind: the Mermaid brackets around its label}; all others are boxes."""

COLOURS = {
    "create": "fill:#dafbe1,stroke:#1a7f37",
    "update": "fill:#fff8c5,stroke:#9a6700",
    "replace": "fill:#ffd8b5,stroke:#bc4c00,stroke-width:3px",
    "delete": "fill:#ffebe9,stroke:#cf222e,stroke-width:3px,stroke-dasharray:5 5",
    "same": "fill:#f6f8fa,stroke:#8c959f",
}


class Picture:
    """The picture of a preview: of those that hurt, those that change, what these use, and others while there is room.

    ``hurts`` says by the urn what is to see of a resource beside its operation.
    """

    def __init__(self, preview: Preview, hurts: Mapping[str, Sequence[str]]) -> None:
        self._hurts = hurts
        self._known = dict(preview.resources)
        for resource in preview.resources.values():
            for urn in resource.now.dependencies:
                self._known.setdefault(urn, Resource(urn))
        resources = [found for found in self._known.values() if self._is_drawn(found)]
        used = {urn for found in resources for urn in found.now.dependencies}
        used_by_change = {urn for found in preview.changes for urn in found.now.dependencies}
        resources.sort(key=lambda found: (found.urn not in hurts, found.rank, found.urn not in used_by_change))
        alone = [found.urn for found in resources if not found.now.dependencies and found.urn not in used]
        too_many = set(alone[MOST_ALONE:])
        drawn = [found.urn for found in resources if found.urn not in too_many][:MOST_RESOURCES]
        self.left_out: int = len(resources) - len(drawn)
        self._ids = {urn: f"r{number}" for number, urn in enumerate(drawn)}
        self._inside: dict[str, dict[str, None]] = {}
        """{component: the resources in it}; "" has those in none."""
        for urn in list(self._ids):
            while urn:
                parent = self._component(urn)
                self._inside.setdefault(parent, {})[urn] = None
                urn = parent

    @property
    def source(self) -> str:
        styles = [f"classDef {op} {colour},color:#1f2328" for op, colour in COLOURS.items()]
        return "\n".join(["flowchart LR", *styles, *self._drawn(""), *list(self._arrows())[:MOST_ARROWS]])

    def _drawn(self, component: str) -> Iterator[str]:
        for urn in self._inside.get(component, ()):
            found = self._known.get(urn, Resource(urn))
            if urn in self._ids:
                left, right = SHAPES.get(found.kind, ("[", "]"))
                what = found.kind if found.op == "same" else f"{found.kind}, {found.op}"
                hurts = ", ".join(word for word in self._hurts.get(urn, ()) if word != found.op)
                style = found.op if found.op in COLOURS else "update"
                yield f"{self._ids[urn]}{left}{label(found.name, what, hurts)}{right}:::{style}"
            else:
                yield f"subgraph c{list(self._inside).index(urn)}[{label(f'{found.name} ({found.kind})')}]"
                yield from self._drawn(urn)
                yield "end"

    def _arrows(self) -> Iterator[str]:
        for urn, id in self._ids.items():
            used = self._known[urn].now.dependencies
            yield from sorted(f"{id} --> {self._ids[other]}" for other in set(used) if other in self._ids)

    def _component(self, urn: str) -> str:
        """Return the component of a resource, or ""."""
        parent = self._known.get(urn, Resource(urn)).now.parent
        while parent in self._known and self._known[parent].now.custom:
            parent = self._known[parent].now.parent
        return "" if Resource(parent).type == STACK else parent

    @staticmethod
    def _is_drawn(found: Resource) -> bool:
        is_component = found.step is not None and not found.now.custom
        return not is_component and not found.type.startswith("pulumi:providers:")
