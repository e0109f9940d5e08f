"""Which object each word of a program means: a region, a performance tier, a template.

A name is looked up once. The state holds the id that each word meant then, and while the program says that word it
means that id, whatever the cloud has renamed since, or calls by that word now. Only a word that the state does not
know is looked up.

0.1.0 wrote into the state all the words that the object's own region, tier or template went by, its id first. They
are read as words for that id.
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
"""Where an argument says a word: ("region",), or ("boot_disk", "template")."""

REGION: Path = ("region",)


class Aliases:
    """The words of one resource. ``held`` is what its state holds of them."""

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
        """Return what a word means, or None for a new one. An id means itself once a word for it is known."""
        known = self._ids.get(path, {})
        return known.get(word) or (word.lower() if word.lower() in known.values() else None)

    def bind(self, path: Path, word: str, id: str) -> None:
        """Remember what a word means from now on."""
        self._ids.setdefault(path, {})[word] = id

    def as_ids(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is said with each known word replaced by the id that it means."""
        meant = dict(said)
        for path in self._ids:
            word = at(meant, path)
            if isinstance(word, str):
                meant = put(meant, path, self.id(path, word) or word)
        return meant

    def follow(self, held: Mapping[str, Any], before: Mapping[str, Any]) -> None:
        """Remember what the words mean that the program said ``before``, where the state ``held`` others.

        They were found to mean the same: so nothing was written then, not even the state.
        """
        for path in self._ids.keys() - self._all_said:
            word, id = at(before, path), self.id(path, at(held, path) or "")
            if isinstance(word, str) and id and not self.id(path, word):
                self.bind(path, word, id)

    def new(self, said: Mapping[str, Any], held: Mapping[str, Any]) -> list[Path]:
        """Return where a word is said that is not known, nor the one that the state ``held``."""
        words = {path: at(said, path) for path in self.paths}
        return [
            path
            for path, word in words.items()
            if isinstance(word, str) and not self.id(path, word) and word != at(held, path)
        ]

    def look_up(
        self, catalog: Catalog, said: Mapping[str, Any], paths: Iterable[Path]
    ) -> tuple[dict[Path, Named], list[ArgumentError]]:
        """Look up the words at these paths, the region's first, and remember what they mean.

        Return what was found, and what is wrong with the others. What is in a region that is not known is left out.
        """
        found: dict[Path, Named] = {}
        wrong: list[ArgumentError] = []
        for path in sorted(paths, key=lambda path: path != REGION):
            word, where = at(said, path), ".".join(path)
            try:
                if path == REGION:
                    named: Named = catalog.region(word)
                elif self.paths[path].kind == "template line":  # in the region of a disk that may not be there yet
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
        """Bind a new word for a line of templates of which another word is known."""
        known = self._ids.get(path, {})
        for id in [known[version.id] for version in versions if version.id in known]:
            self.bind(path, word, id)

    def show(self, shown: dict[str, Any], live: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``shown`` so that each word in it means what is live, and remember that.

        A word that means something else here, since the cloud calls another object by it now, gives way to the id.
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
        """Return what the state has to hold: the words for what is said there."""
        found: dict[str, Any] = {}
        for path, known in self._ids.items():
            words = [at(bag, path) for bag in said]
            line = self.paths[path].kind == "template line"  # every version means it, also one that is to come
            if kept := {word: known[word] for word in known if line or word in words}:
                found = put(found, path, kept)
        return found

    def all_held(self) -> dict[str, Any]:
        """Return all words that are known: what the program says now is not known to a refresh."""
        found: dict[str, Any] = {}
        for path, known in self._ids.items():
            found = put(found, path, known)
        return found


def at(said: Mapping[str, Any], path: Path) -> Any:
    """Return what is said there, or None."""
    value: Value = said
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) and not is_unknown(value) else None
    return value


def put(said: Mapping[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """Return a copy with this value there."""
    first, *rest = path
    return {**said, first: put(said.get(first) or {}, tuple(rest), value) if rest else value}
