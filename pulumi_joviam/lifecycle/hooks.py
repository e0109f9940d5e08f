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
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar, get_args

from typing_extensions import get_original_bases

from pulumi_joviam.api.errors import readable
from pulumi_joviam.api.models import Model, Named
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.lifecycle.aliases import Path
from pulumi_joviam.lifecycle.arguments import BaseArgs, check, has_unknown
from pulumi_joviam.lifecycle.change import Change, Step
from pulumi_joviam.lifecycle.declare import Args
from pulumi_joviam.lifecycle.effects import Effect
from pulumi_joviam.lifecycle.state import Memory

if TYPE_CHECKING:  # the program imports this module too, and must not pay for requests
    from pulumi_joviam.lifecycle.operation import Operation

A = TypeVar("A", bound=Args)
M = TypeVar("M", bound=Model)


def as_input(value: Any, like: Any = None) -> Any:
    """Return a live value as a program would say it, in the way of ``like`` where there are several."""
    return value.as_input(like) if hasattr(value, "as_input") else value


class _Checked:
    """The model of a lifecycle's arguments, made when it is needed: programs never need it."""

    def __get__(self, _instance: object, owner: type[Hooks[Any, Any]]) -> type[BaseArgs]:
        return owner.declared._declaration.model


class Hooks(Generic[A, M]):
    """What a lifecycle says about one kind of resource."""

    declared: ClassVar[type[Args]]
    args: ClassVar[_Checked] = _Checked()
    """The pydantic model of the declared arguments."""
    model: ClassVar[type[Model]]
    outputs: ClassVar[tuple[str, ...]] = ()
    """Names of the outputs beside the arguments: what the class of the resource declares."""
    memory: ClassVar[type[Memory]] = Memory
    """What ``op.private`` is."""
    stays_put: ClassVar[bool] = True
    """Whether the object is in its account until somebody deletes it there."""
    secret: ClassVar[tuple[str, ...]] = ()
    """Arguments and outputs that are secret where no program says whether they are: in what Class.get reads."""
    api_names: ClassVar[Mapping[str, str]] = {}
    """The API's name of a field → our argument, where they differ."""
    moved_by: ClassVar[Mapping[str, Collection[str]]] = {}
    """{output: the arguments of which an update may change it}. Any other output stays what it is."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for base in get_original_bases(cls):
            if not getattr(base, "__parameters__", True):  # it names both: Lifecycle[DiskArgs, models.Disk]
                cls.declared, cls.model = get_args(base)

    def post(self, op: Operation[Any], args: A) -> M:
        """Make the object and return it as soon as it has an id."""
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
        """After the object is gone, delete what was made together with it (``op.private``)."""

    def forget(self, op: Operation[Any]) -> None:
        """Somebody else deleted the object: warn of what it leaves behind (``op.private``)."""

    def look(self, op: Operation[Any], id: str, fields: set[str]) -> M:
        """Read the object. ``fields`` names the arguments that the program gives. Raises NotFound."""
        return op.api.get(self.model, id)  # type: ignore[return-value] # model is the class of M

    def as_inputs(self, live: M) -> dict[str, Any]:
        """Return the object as a program would say it. Arguments that cannot be read back are left out."""
        return {field: getattr(live, field) for field in self.args.model_fields if hasattr(live, field)}

    def as_outputs(self, live: M) -> dict[str, Any]:
        """Return the outputs beside the arguments."""
        return {name: getattr(live, name) for name in self.outputs}

    def foreseen(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Return those outputs that follow from what a program says, of which some may be unknown until `up`."""
        return {}

    def as_program(self, op: Operation[Any], live: M) -> dict[str, Any]:
        """Return what a program would say of an object that none has declared yet, without what equals a default."""
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
        """Return the object as inputs, each thing said in one of the ways in which a program may say it."""
        return self.as_inputs(live)

    def compare(self, field: str, change: Change) -> Step | Literal["same"]:
        """Say what it takes to bring a field from what is live to what is wanted."""
        traits = self.args.traits()[field]
        if traits.same(change.live.get(field), change.wanted[field]):
            return "same"
        return "replace" if traits.replaces else "update"

    def at_worst(self, field: str) -> Step:
        """Say what a value that is unknown until `up` may take there: a preview names no less than is done."""
        return "replace" if self.args.traits()[field].replaces else "update"

    def delete_first(self, change: Change) -> bool:
        """Say whether old and new cannot exist side by side, so that a replacement deletes first."""
        return False

    def effects(self, change: Change, private: Any) -> Iterator[Effect]:
        """Yield what the change does to people: a preview warns of it, and a comment on a pull request shows it."""
        for field in () if change.removes else change.steps:
            if may_stop := self.args.traits()[field].may_stop:
                yield may_stop.stop(field, f"changing {field}", change.may_stop)

    def unfinished(self, private: Any) -> set[str]:
        """Return the arguments that the next step brings to what the program says, as the private state knows."""
        return set()

    def notices(self, change: Change) -> Iterator[str]:
        """Yield what else a preview should warn of."""
        yield from ()

    def fits(self, said: Mapping[str, Any], found: Mapping[Path, Named]) -> Iterator[tuple[str, str]]:
        """Yield (argument, what is wrong) for what does not go together with what its words were found to mean."""
        yield from ()

    def defaults(self, news: dict[str, Any], settings: Settings) -> dict[str, Any]:
        """Fill in what a program may leave out: the stack's region, and defaults of ours that are managed."""
        if "region" in self.args.model_fields and "region" not in news and settings.region:
            news["region"] = settings.region
        return news

    def stays(self, field: str, shown: Any, said: Any) -> bool:
        """Say whether a live value is kept although the program says less."""
        return False

    # -- what follows from that --

    def refused(self, said: Mapping[str, Any]) -> dict[str, str]:
        """Return {argument: why} for those with which no preview would succeed."""
        return {re.split(r"[.\[]", where)[0]: readable(why) for where, why in check(self.args, said)}

    def steps(self, change: Change) -> dict[str, Step]:
        """Return what each argument takes that means something else than before."""
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
        """Return {field: wanted} for the arguments that are given, can be read back, and differ."""
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
        """Say whether the live value is what was said. Some live values know by what they may be called."""
        return bool(live.matches(said)) if hasattr(live, "matches") else same(live, said)
