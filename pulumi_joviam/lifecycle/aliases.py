"""The objects that names in a program refer to: regions, performance tiers and templates.

A name is looked up once. The state stores its id, and as long as the program uses that name, it refers to that id,
even if the cloud has renamed the object or given the name to another one. Only new names are looked up.

0.1.0 stored all names of the object's own region, tier or template, its id first. They are read as names of that id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pulumi.runtime.known_types import is_unknown

from pulumi_joviam.api.errors import ArgumentError
from pulumi_joviam.api.models import Named

if TYPE_CHECKING:
    from pulumi_joviam.api.catalog import Catalog
    from pulumi_joviam.lifecycle.arguments import BaseArgs, Names, Value

Path = tuple[str, ...]
"""The path of a name in the arguments: ("region",), or ("boot_disk", "template")."""

REGION: Path = ("region",)


class Aliases:
    """The names of one resource. ``held`` is their part of the state."""

    def __init__(self, args: type[BaseArgs], held: Mapping[str, Any] | None = None) -> None:
        self.paths: Mapping[Path, Names] = args.names()
        self._ids: dict[Path, dict[str, str]] = {}
        self._all_said: set[Path] = set()
        held = held or {}
        for path in self.paths:
            words: Mapping[str, str] | Sequence[str] | None = at(held, path)
            if words:
                self._ids[path] = dict(words) if isinstance(words, Mapping) else dict.fromkeys(words, words[0])
                if not isinstance(words, Mapping):
                    self._all_said.add(path)

    def id(self, path: Path, word: str) -> str | None:
        """Return the id for a name, or None if it is new. An id stands for itself once a name for it is known."""
        known = self._ids.get(path, {})
        return known.get(word) or (word.lower() if word.lower() in known.values() else None)

    def bind(self, path: Path, word: str, id: str) -> None:
        """Bind a name to an id."""
        self._ids.setdefault(path, {})[word] = id

    def as_ids(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Return the inputs with each known name replaced by its id."""
        meant = dict(said)
        for path in self._ids:
            word = at(meant, path)
            if isinstance(word, str):
                meant = put(meant, path, self.id(path, word) or word)
        return meant

    def follow(self, held: Mapping[str, Any], before: Mapping[str, Any]) -> None:
        """Bind the names in the previous inputs (``before``) if the state ``held`` others.

        They were found to refer to the same objects, so nothing was written then, not even the state.
        """
        for path in self._ids.keys() - self._all_said:
            word, id = at(before, path), self.id(path, at(held, path) or "")
            if isinstance(word, str) and id and not self.id(path, word):
                self.bind(path, word, id)

    def new(self, said: Mapping[str, Any], held: Mapping[str, Any]) -> list[Path]:
        """Return the paths of names that are neither known nor in the state (``held``)."""
        words = {path: at(said, path) for path in self.paths}
        return [
            path
            for path, word in words.items()
            if isinstance(word, str) and not self.id(path, word) and word != at(held, path)
        ]

    def look_up(
        self, catalog: Catalog, said: Mapping[str, Any], paths: Iterable[Path]
    ) -> tuple[dict[Path, Named], list[ArgumentError]]:
        """Look up the names at these paths, the region first, and bind them.

        Return the objects that were found, and the problems of the others. Names in an unknown region are skipped.
        """
        found: dict[Path, Named] = {}
        wrong: list[ArgumentError] = []
        for path in sorted(paths, key=lambda path: path != REGION):
            word, where = at(said, path), ".".join(path)
            try:
                if path == REGION:
                    named: Named = catalog.region(word)
                elif self.paths[path].kind == "template line":  # in the region of a disk that may not exist yet
                    self._bind_line(path, word, catalog.versions(word, where))
                    continue
                else:
                    code = at(said, REGION)
                    if not isinstance(code, str) or any(error.argument == "region" for error in wrong):
                        continue
                    region = catalog.region(self.id(REGION, code) or code)
                    named = catalog.named(self.paths[path].kind, word, region, where)
            except ArgumentError as error:
                wrong.append(error)
            else:
                found[path] = named
                self.bind(path, word, named.id)
        return found, wrong

    def _bind_line(self, path: Path, word: str, versions: Iterable[Named]) -> None:
        """Bind a new name of a template whose other name is known."""
        known = self._ids.get(path, {})
        for id in [known[version.id] for version in versions if version.id in known]:
            self.bind(path, word, id)

    def show(self, shown: dict[str, Any], live: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``shown`` with names that refer to the live objects, and bind them.

        A name that refers to another object by now is replaced by the id.
        """
        for path in self.paths:
            word, named = at(shown, path), live.get(path[0])
            for part in path[1:]:
                named = named.parts.get(part) if named else None
            if not isinstance(word, str) or not named:
                continue
            if self.id(path, word) not in (None, named.id):
                word = named.id
                shown = put(shown, path, word)
            self.bind(path, word, named.id)
        return shown

    def held(self, *said: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the state must store: the names at these paths."""
        found: dict[str, Any] = {}
        for path, known in self._ids.items():
            words = [at(bag, path) for bag in said]
            line = self.paths[path].kind == "template line"  # all versions have this name, future ones too
            if kept := {word: known[word] for word in known if line or word in words}:
                found = put(found, path, kept)
        return found

    def all_held(self) -> dict[str, Any]:
        """Return all known names: a refresh does not know the current program."""
        found: dict[str, Any] = {}
        for path, known in self._ids.items():
            found = put(found, path, known)
        return found


def at(said: Mapping[str, Any], path: Path) -> Any:
    """Return the value at this path, or None."""
    value: Value = said
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) and not is_unknown(value) else None
    return value


def put(said: Mapping[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """Return a copy with this value at this path."""
    first, *rest = path
    return {**said, first: put(said.get(first) or {}, tuple(rest), value) if rest else value}
