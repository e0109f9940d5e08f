"""What a resource says about itself: the methods of its lifecycle that differ from resource to resource.

    post(op, args) -> live              the POST; returns as soon as there is an id
    converge(op, live, args) -> live    brings the live object to what the program says, and waits
    remove(op, live)                    deletes it, and waits
    look(op, id, fields) -> live        reads it
    as_inputs(live), as_outputs(live)   the object as arguments, and as the outputs beside them

When they are called is in provider.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeAlias, TypeVar, get_args

from typing_extensions import get_original_bases

from pulumi_joviam.api.errors import readable
from pulumi_joviam.api.models import Model, Named
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.lifecycle.aliases import Path
from pulumi_joviam.lifecycle.arguments import BaseArgs, check, given, has_unknown
from pulumi_joviam.lifecycle.change import Change, Step
from pulumi_joviam.lifecycle.declare import Args
from pulumi_joviam.lifecycle.effects import Effect
from pulumi_joviam.lifecycle.state import Memory

if TYPE_CHECKING:  # the program imports this module too, and must not pay for requests
    from pulumi_joviam.lifecycle.operation import Operation

A = TypeVar("A", bound=Args)
M = TypeVar("M", bound=Model)


Follows: TypeAlias = Mapping[str, tuple[str, Callable[[Any], Any]]]


def as_input(value: Any, like: Any = None) -> Any:
    """Return a live value as an input, in the form of ``like`` if there are several forms."""
    return value.as_input(like) if hasattr(value, "as_input") else value


class _Checked:
    """The pydantic model of a lifecycle's arguments, built on first use: programs never need it."""

    def __get__(self, _instance: object, owner: type[Hooks[Any, Any]]) -> type[BaseArgs]:
        return owner.declared._declaration.model


class Hooks(Generic[A, M]):
    """The part of a lifecycle that differs between resources."""

    declared: ClassVar[type[Args]]
    args: ClassVar[_Checked] = _Checked()
    """The pydantic model of the declared arguments."""
    model: ClassVar[type[Model]]
    outputs: ClassVar[tuple[str, ...]] = ()
    """Names of the outputs that the class of the resource declares."""
    memory: ClassVar[type[Memory]] = Memory
    """The type of ``op.private``."""
    stays_put: ClassVar[bool] = True
    """Whether the object exists until it is deleted: a console session, for example, ends by itself."""
    secret: ClassVar[tuple[str, ...]] = ()
    """Arguments and outputs that are secret when no program marks them, as in Class.get."""
    api_names: ClassVar[Mapping[str, str]] = {}
    """The API's name of a field → our argument, where they differ."""
    follows: ClassVar[Follows] = {}
    """{output: (an argument, the value of the output for a value of it)}: such an output is known in every preview."""
    moved_by: ClassVar[Mapping[str, Collection[str]]] = {}
    """{output: the arguments whose update may change it}. All other outputs stay as they are."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for base in get_original_bases(cls):
            if not getattr(base, "__parameters__", True):  # it names both: Lifecycle[DiskArgs, models.Disk]
                cls.declared, cls.model = get_args(base)

    def post(self, op: Operation[Any], args: A) -> M:
        """Create the object, and return it as soon as it has an id."""
        raise NotImplementedError

    def converge(self, op: Operation[Any], live: M, args: A) -> M:
        """Bring the live object to what ``args`` say, and wait. The default PUTs every field that differs.

        ``args`` holds all that the program says, but only what is in scope counts as given (``model_fields_set``).
        Regions, tiers and templates are ids.
        """
        live = op.wait_ready(live)
        body = self.differing(live, args)
        return op.retry_while_changing(live, lambda now: op.api.update(type(now), now.id, body)) if body else live

    def remove(self, op: Operation[Any], live: M) -> None:
        """Delete the object and wait until it is gone."""
        op.delete(live)

    def clean_up(self, op: Operation[Any]) -> None:
        """After the object was deleted, delete what was created with it (``op.private``)."""

    def forget(self, op: Operation[Any]) -> None:
        """The object was deleted outside Pulumi: warn of what it leaves behind (``op.private``)."""

    def look(self, op: Operation[Any], id: str, fields: set[str]) -> M:
        """Read the object. ``fields`` names the arguments that the program gives. Raises NotFound."""
        return op.api.get(self.model, id)  # type: ignore[return-value] # model is the class of M

    def as_inputs(self, live: M) -> dict[str, Any]:
        """Return the live object as inputs, without the arguments that cannot be read."""
        return {field: getattr(live, field) for field in self.args.model_fields if hasattr(live, field)}

    def as_outputs(self, live: M) -> dict[str, Any]:
        """Return the outputs."""
        return {name: getattr(live, name) for name in self.outputs}

    def as_program(self, op: Operation[Any], live: M) -> dict[str, Any]:
        """Return the inputs for an object that no program has declared yet, without defaults."""
        said, traits = self.described(op, live), self.args.traits()
        for (field, *inside), names in self.args.names().items():
            named = said.get(field)
            if isinstance(named, Named) and not inside:
                said[field] = word = op.catalog.word(names.kind, named)
                op.aliases.bind((field,), word, named.id)
        return {
            field: as_input(said[field])
            for field in self.args.model_fields
            if said.get(field) not in (None, "")
            and not ((resets := traits[field].resets) and traits[field].same(said[field], resets.to))
        }

    def described(self, op: Operation[Any], live: M) -> dict[str, Any]:
        """Return the object as inputs, each in one of its possible forms."""
        return self.as_inputs(live)

    def compare(self, field: str, change: Change) -> Step | Literal["same"]:
        """Return the step from the live value of an argument to the desired one."""
        traits = self.args.traits()[field]
        if traits.same(change.live.get(field), change.wanted[field]):
            return "same"
        return "replace" if traits.replaces else "update"

    def at_worst(self, field: str) -> Step:
        """Return the step to announce for a value that is unknown until `up`: the worst one."""
        return "replace" if self.args.traits()[field].replaces else "update"

    def delete_first(self, change: Change) -> bool:
        """Return whether old and new object cannot exist at the same time, so that the old one is deleted first."""
        return False

    def effects(self, change: Change, private: Any) -> Iterator[Effect]:
        """Yield the effects of the change on users: a preview warns of them, and a pull request comment shows them."""
        for field in () if change.removes else change.steps:
            if may_stop := self.args.traits()[field].may_stop:
                yield may_stop.stop(field, f"changing {field}", change.may_stop)

    def unfinished(self, private: Any) -> set[str]:
        """Return the arguments that the next step must converge according to the private state."""
        return set()

    def notices(self, change: Change) -> Iterator[str]:
        """Yield further warnings for a preview."""
        yield from ()

    def fits(self, said: Mapping[str, Any], found: Mapping[Path, Named]) -> Iterator[tuple[str, str]]:
        """Yield (argument, problem) for values that do not fit the objects that names refer to."""
        yield from ()

    def defaults(self, news: dict[str, Any], settings: Settings) -> dict[str, Any]:
        """Fill in the stack's region, and our own managed defaults."""
        if "region" in self.args.model_fields and "region" not in news and settings.region:
            news["region"] = settings.region
        return news

    def stays(self, field: str, shown: Any, said: Any) -> bool:
        """Return whether a live value is left as it is although the program asks for less."""
        return False

    def moved(self, change: Change, unfinished: Collection[str]) -> set[str]:
        """Return the outputs that an update may change, also by arguments that an earlier step left unfinished."""
        scope = {*change.steps, *unfinished}
        return {name for name in self.outputs if scope & {*self.moved_by.get(name, ())}}

    # -- what follows from that --

    def foreseen(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Return the outputs that follow from the inputs, some of which may be unknown until `up`."""
        return {
            name: value(said[field])
            for name, (field, value) in self.follows.items()
            if given(said.get(field)) and not has_unknown(said[field])
        }

    def refused(self, said: Mapping[str, Any]) -> dict[str, str]:
        """Return {argument: reason} for arguments that every preview would reject."""
        return {re.split(r"[.\[]", where)[0]: readable(why) for where, why in check(self.args, said)}

    def steps(self, change: Change) -> dict[str, Step]:
        """Return the step of each argument that has changed."""
        live, wanted, steps = change.live, change.wanted, dict[str, Step]()
        for field, traits in self.args.traits().items():
            if field not in wanted:
                if field in live and traits.resets and not traits.same(live[field], traits.resets.to):
                    steps[field] = "update"
            elif has_unknown(wanted[field]):
                steps[field] = self.at_worst(field)
            elif (step := self.compare(field, change)) != "same":
                steps[field] = step
        return steps

    def differing(self, live: M, args: A) -> dict[str, Any]:
        """Return {field: desired value} for arguments that are given, can be read, and differ."""
        shown = self.as_inputs(live)
        traits = self.args.traits()
        wanted = {field: getattr(args, field) for field in args.model_fields_set if field in shown}
        return {
            field: value
            for field, value in wanted.items()
            if not traits[field].replaces and not self._matches(traits[field].same, shown[field], value)
        }

    @staticmethod
    def _matches(same: Callable[[Any, Any], bool], live: Any, said: Any) -> bool:
        """Return whether the live value matches the input. Some live values know their own names."""
        return bool(live.matches(said)) if hasattr(live, "matches") else same(live, said)
