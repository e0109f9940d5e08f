"""check, diff, create, read, update and delete of every resource, written once.

A resource says what is special about it in a few methods of its Provider:

    post(op, args) -> live              the POST; returns as soon as there is an id
    converge(op, live, args) -> live    brings the live object to what the program says, and waits
    remove(op, live)                    deletes it, and waits
    look(op, id, fields) -> live        reads it
    said(live), computed(live)          the object as arguments, and as the outputs beside them

Create is post and converge; update is look and converge; so an update after a failed or interrupted
create finishes what that began. Nothing is derived from what we believe the state was.

The state of a resource holds what its program said (inputs) and, as outputs, the live value of each
argument that the program gives, the computed outputs, and three things that no display shows:
``__words`` (all the words that name the region, tier or template, so that diff needs no network),
``__kept`` (what a resource has to remember: ``op.kept``) and ``__failed`` (the state of an object whose
provisioning failed for good: the next `up` replaces it).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

import pulumi
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)
from typing_extensions import Self

from pulumi_joviam import engine, journal
from pulumi_joviam.args import BaseArgs, check, has_unknown
from pulumi_joviam.config import Settings
from pulumi_joviam.errors import ApiError, ArgumentError, Failed, JoviamError, NotFound
from pulumi_joviam.models import Model

if TYPE_CHECKING:  # the program imports this module too, and must not pay for requests
    from pulumi_joviam.operation import Operation

A = TypeVar("A", bound=BaseArgs)
M = TypeVar("M", bound=Model)

STEP_SECONDS = 600.0
"""How long create, update and delete may take without customTimeouts."""
READ_SECONDS = 60.0

LAST_LOOK_SECONDS = 5.0

WORDS = "__words"
KEPT = "__kept"
FAILED = "__failed"
LONGEST_MESSAGE = 4_000


class Provider(ResourceProvider, Generic[A, M]):
    """The lifecycle of one kind of resource.

    The module path and the class name of every subclass stand in users' state: they never change.
    An instance holds nothing before `configure`, so it is stored as that reference alone.
    """

    serialize_as_secret_always = False

    args: ClassVar[type[BaseArgs]]
    model: ClassVar[type[Model]]
    outputs: ClassVar[tuple[str, ...]] = ()
    """Names of the outputs beside the arguments."""
    nullable: ClassVar[tuple[str, ...]] = ()
    """Those of them that may be None. The state says "" for it: what it does not say is unknown in every preview."""
    filled: ClassVar[tuple[str, ...]] = ("name", "region")
    """Arguments that have a value also when the program gives none."""
    secret: ClassVar[tuple[str, ...]] = ()
    """Arguments that are secret where no program says whether they are: in what Class.get reads."""
    api_names: ClassVar[Mapping[str, str]] = {}
    """The API's name of a field → our argument, where they differ."""

    # -- what a resource says about itself --

    def post(self, op: Operation, args: A) -> M:
        """Make the object and return it as soon as it has an id."""
        raise NotImplementedError

    def converge(self, op: Operation, live: M, args: A) -> M:
        """Bring the live object to what ``args`` say, and wait. The default PUTs every field that differs."""
        live = op.settled(live)
        body = self.differing(live, args)
        return op.steadily(live, lambda now: op.api.update(type(now), now.id, body)) if body else live

    def remove(self, op: Operation, live: M) -> None:
        """Delete the object and wait until it is gone."""
        op.delete(live)

    def clean_up(self, op: Operation) -> None:
        """After the object is gone, delete what was made together with it (``op.kept``)."""

    def forget(self, op: Operation) -> None:
        """Somebody else deleted the object: warn of what it leaves behind (``op.kept``)."""

    def look(self, op: Operation, id: str, _fields: set[str]) -> M:
        """Read the object. ``_fields`` names the arguments that the program gives. Raises NotFound."""
        return op.api.get(self.model, id)  # type: ignore[return-value] # model is the class of M

    def said(self, live: M) -> dict[str, Any]:
        """Return the object as a program would say it. Arguments that cannot be read back are left out."""
        return {field: getattr(live, field) for field in self.args.model_fields if hasattr(live, field)}

    def computed(self, live: M) -> dict[str, Any]:
        """Return the outputs beside the arguments."""
        return {name: getattr(live, name) for name in self.outputs}

    def compare(
        self, field: str, old: Mapping[str, Any], new: Mapping[str, Any], _before: Mapping[str, Any]
    ) -> Literal["same", "update", "replace"]:
        """Say what it takes to bring a field from ``old`` (live) to ``new``. The program said ``_before`` last."""
        traits = self.args.traits()[field]
        if traits.same(old.get(field), new[field]):
            return "same"
        return "replace" if traits.replaces else "update"

    def at_worst(self, field: str) -> Literal["update", "replace"]:
        """Say what a value that is unknown until `up` may take there: a preview names no less than is done."""
        return "replace" if self.args.traits()[field].replaces else "update"

    def delete_first(self, _olds: Mapping[str, Any], _news: Mapping[str, Any], _steps: Mapping[str, str]) -> bool:
        """Say whether old and new cannot exist side by side, so that a replacement deletes first."""
        return False

    def announce(
        self, _olds: Mapping[str, Any], _news: Mapping[str, Any], _before: Mapping[str, Any], steps: Mapping[str, str]
    ) -> Iterator[str]:
        """Yield warnings for a preview. ``steps`` maps each changed argument to "update" or "replace"."""
        if "replace" not in steps.values():
            for field in steps:
                if may_stop := self.args.traits()[field].may_stop:
                    yield f"changing {field} {may_stop.why}"

    # -- what every resource does alike --

    def differing(self, live: M, args: A) -> dict[str, Any]:
        """Return {field: wanted} for the arguments that are given, can be read back, and differ."""
        shown = self.said(live)
        traits = self.args.traits()
        wanted = {field: getattr(args, field) for field in args.model_fields_set if field in shown}
        return {
            field: value
            for field, value in wanted.items()
            if not traits[field].replaces and not self._means(traits[field].same, shown[field], value)
        }

    def configure(self, req: ConfigureRequest) -> None:
        engine.widen()
        engine.listen_for_cancel()
        engine.end_with_engine()
        self.args.model_rebuild()  # now, while nobody else uses it: pydantic's own first use is not thread-safe
        self._config = req.config.get
        self._checked: set[str] = set()

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        news, olds = _plain(news), _plain(olds)
        call = engine.call()
        with self._reporting("checking", call):
            settings = Settings.load(self._config)
        self._checked.add(call.urn)
        # an object that was imported without a name stays so until the program names it
        nameless = "name" not in news and "name" in self.args.model_fields
        if nameless and ("name" in olds or not olds) and call.name:
            news["name"] = call.name
        news = self.defaults(news, settings)
        # __provider is no argument; _plain leaves it out and the plugin adds it again
        return CheckResult(news, [CheckFailure(where, what) for where, what in check(self.args, news)])

    def defaults(self, news: dict[str, Any], settings: Settings) -> dict[str, Any]:
        """Fill in what a program may leave out: the stack's region, and defaults of ours that are managed."""
        if "region" in self.args.model_fields and "region" not in news and settings.region:
            news["region"] = settings.region
        return news

    def diff(self, id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        call = engine.call()
        self._seen(call, id)
        before = None if call.inputs is None else _plain(call.inputs)
        hidden, olds, news = call.hidden or olds, _plain(olds), _plain(news)
        if hidden.get(FAILED):
            return DiffResult(changes=True, replaces=["name"], delete_before_replace=True)
        for field in hidden.get(engine.DROPPED, ()):  # too long for the state: what the program said is the best known
            olds[field] = (before or news).get(field)
        words = hidden.get(WORDS) or {}
        old, new = ({field: _usual(bag.get(field), words.get(field)) for field in bag} for bag in (olds, news))
        steps = {}
        for field, traits in self.args.traits().items():
            if field not in new:
                if field in old and traits.resets and not traits.same(old[field], traits.resets.to):
                    steps[field] = "update"
            elif has_unknown(new[field]):
                steps[field] = self.at_worst(field)
            elif (step := self.compare(field, old, new, before or {})) != "same":
                steps[field] = step
        if call.urn in self._checked:  # a refresh asks for a diff too, only to show what it found
            for message in self.announce(old, new, before or {}, steps):
                engine.warn(call.urn, message)
        if not steps:
            return DiffResult(changes=False)
        replaces = [field for field, step in steps.items() if step == "replace"]
        return DiffResult(
            # None lets the engine show the lines that differ between what was said and what is said now
            changes=None if before is not None and before != news else True,
            replaces=replaces,
            delete_before_replace=bool(replaces) and self.delete_first(olds, news, steps),
        )

    def create(self, props: dict[str, Any]) -> CreateResult:
        call, said = engine.call(), _plain(props)
        with self._reporting("creating", call):
            op = self._begin(call, STEP_SECONDS)
            args = self._args(said)
            live = self.post(op, args)
            return CreateResult(live.id, self._converged("creating", op, live, args, said, said))

    def update(self, id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        call, held, news = engine.call(), _plain(olds), _plain(news)
        self._seen(call, id)
        taken = {
            field: traits.resets.to
            for field, traits in self.args.traits().items()
            if traits.resets and field in held and field not in news
        }
        with self._reporting("updating", call):
            op = self._begin(call, STEP_SECONDS)
            args = self._args(news, taken)
            live = self._existing(op, id, args.model_fields_set)
            if live is None:
                raise JoviamError(
                    f"the {self.model.noun} {id} does not exist any more. "
                    "`pulumi refresh` takes note of that, and the next `up` makes it again."
                )
            # of what cannot be read back, a failed update leaves what was true before
            unseen = news.keys() - self.said(live).keys()
            managed = {**taken, **{field: (held if field in unseen else news).get(field) for field in news}}
            return UpdateResult(self._converged("updating", op, live, args, news, managed))

    def read(self, id: str, props: dict[str, Any]) -> ReadResult:
        call = engine.call()
        self._seen(call, id)
        held = _plain(props)
        said = {field: held[field] for field in self.args.model_fields if field in held}
        if call.inputs is not None:
            said = _plain(call.inputs)
        unmanaged = not said  # read through Class.get: all there is to know is wanted
        self._checked.discard(call.urn)
        with self._reporting("reading", call):
            op = self._begin(call, READ_SECONDS)
            live = self._existing(op, id, set(self.args.model_fields) if unmanaged else set(said))
            if live is None:
                self.forget(op)
            if live is None and not held:  # nobody has seen it yet, so it is not gone but a mistake
                raise JoviamError(f"there is no {self.model.noun} {id}")
        if live is None:
            return ReadResult(None, {})
        if unmanaged:
            shown = {field: _as_said(value) for field, value in self.said(live).items()}
            return ReadResult(id, self._state(op, live, shown), {})
        shown = self._shown(live, said)
        return ReadResult(id, self._state(op, live, shown), self.remembered(said, shown))

    def remembered(self, _said: Mapping[str, Any], shown: dict[str, Any]) -> dict[str, Any]:
        """Return the inputs that a refresh leaves in the state: what the object shows, so that drift is seen."""
        return shown

    def delete(self, id: str, _props: dict[str, Any]) -> None:
        call = engine.call()
        self._seen(call, id)
        with self._reporting("deleting", call):
            op = self._begin(call, STEP_SECONDS)
            live = self._existing(op, id, set())
            if live is not None:
                self.remove(op, live)
            self.clean_up(op)

    # -- how they do it --

    def _begin(self, call: engine.Call, seconds: float) -> Operation:
        from pulumi_joviam.operation import Operation

        hidden = (dict(call.hidden.get(name) or {}) for name in (WORDS, KEPT))
        return Operation.begin(call, Settings.load(self._config), call.timeout or seconds, *hidden)

    @staticmethod
    def _seen(call: engine.Call, id: str) -> None:
        """Tell the journal what the state holds of a resource: the object, and what was made together with it."""
        journal.of_stack(call.stack).seen([id, *_texts(call.hidden.get(KEPT))])

    def _existing(self, op: Operation, id: str, fields: set[str]) -> M | None:
        """Read the object, or return None if it is gone: only the API's own word counts for that."""
        try:
            live = self.look(op.sharing(), id, fields)
        except NotFound:
            return None
        if live.state == "transferred":
            op.warn(f"the {live.noun} {id} was transferred to another organization and is not managed here now")
        return None if live.state in live.gone else live

    def _args(self, said: Mapping[str, Any], taken: Mapping[str, Any] | None = None) -> A:
        """Return the arguments, with the defaults of those that were taken away. Raises ArgumentError."""
        problems = check(self.args, said)
        if problems:
            raise ArgumentError(*problems[0])
        return self.args.model_validate({**(taken or {}), **said})  # type: ignore[return-value] # args is the class of A

    def _converged(
        self, doing: str, op: Operation, live: M, args: A, said: dict[str, Any], managed: dict[str, Any]
    ) -> dict[str, Any]:
        """Converge and return the outputs for what was ``said``.

        Whatever goes wrong from here on, the engine keeps the object, with what is live of all that is ``managed``:
        what was said and what was taken away.
        """
        try:
            self._fits(op, live, said)
            live = self.converge(op, live, args)
            return self._state(op, live, self._shown(live, said))
        except Exception as error:  # noqa: BLE001 - also a bug of ours must not lose the object
            live = self._last_look(op, live, args, error)
            outputs = self._state(op, live, self._shown(live, managed))
            then = "goes on with it"
            if isinstance(error, Failed) and live.state in live.failed:
                outputs[FAILED] = live.state
                then = "deletes it and makes another"
            text = self._text(doing, op.call, error)
            text += f"\nThe {live.noun} {live.id} is kept in the state; the next `pulumi up` {then}."
            raise engine.partial_failure(live.id, outputs, text) from None

    def _fits(self, op: Operation, live: M, said: Mapping[str, Any]) -> None:
        """Raise JoviamError for an object of an interrupted run that the program wants otherwise by now."""
        if not op.taken_over:
            return
        shown, traits = self.said(live), self.args.traits()
        other = [
            field
            for field in said
            if field in shown
            and traits[field].replaces
            and not self._means(traits[field].same, shown[field], said[field])
        ]
        if other:
            raise JoviamError(
                f"an interrupted run had made it with another {', '.join(other)}; the next `pulumi up` replaces it"
            )

    def _last_look(self, op: Operation, live: M, args: A, error: Exception) -> M:
        """Return what is live after a failure, or what was last seen where that cannot be asked."""
        if engine.cancelled.is_set() or not isinstance(error, JoviamError):
            return live
        try:
            return self.look(op.afresh(LAST_LOOK_SECONDS), live.id, args.model_fields_set)
        except JoviamError:
            return live

    def _shown(self, live: M, said: Mapping[str, Any]) -> dict[str, Any]:
        """Return what was ``said`` with each value that is no longer true replaced by the live one."""
        shown, traits = self.said(live), self.args.traits()
        now: dict[str, Any] = {}
        for field, value in said.items():
            if value is None:
                continue
            if field not in shown or self._means(traits[field].same, shown[field], value):
                now[field] = value
            elif shown[field] is not None:
                now[field] = _as_said(shown[field], like=value)
        return now

    @staticmethod
    def _means(same: Callable[[Any, Any], bool], live: Any, said: Any) -> bool:
        """Say whether the live value is what was said. Some live values know by what they may be called."""
        return bool(live.means(said)) if hasattr(live, "means") else same(live, said)

    def _state(self, op: Operation, live: M, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the outputs for the state."""
        seen = {**op.resolved, **self.said(live)}
        words = {**op.words, **{field: value.words for field, value in seen.items() if hasattr(value, "words")}}
        hidden = {WORDS: {field: words[field] for field in words if field in arguments}, KEPT: op.kept}
        return {
            **arguments,
            **{name: "" if value is None else value for name, value in self.computed(live).items()},
            **{name: values for name, values in hidden.items() if values},
        }

    @contextmanager
    def _reporting(self, doing: str, call: engine.Call) -> Iterator[None]:
        """Turn what went wrong into one clear message on the resource."""
        try:
            with engine.step():
                yield
        except JoviamError as error:
            raise engine.refusal(self._text(doing, call, error)) from None

    def _text(self, doing: str, call: engine.Call, error: Exception) -> str:
        text = error.describe(self.api_names) if isinstance(error, ApiError) else str(error)
        if not isinstance(error, JoviamError):
            text = f"a bug in pulumi-joviam, please report it: {type(error).__name__}: {text}"
        return f'{doing} {self.model.noun} "{call.name}": {text}'[:LONGEST_MESSAGE]


class Resource(pulumi.dynamic.Resource):
    """Base of the classes that programs use. ``provider`` names the lifecycle."""

    _lifecycle: ClassVar[type[Provider[Any, Any]]]
    _kind: ClassVar[str]

    def __init_subclass__(cls, provider: type[Provider[Any, Any]] | None = None) -> None:
        if provider:
            cls._lifecycle, cls._kind = provider, cls.__name__
        # the type stands in users' state, so a subclass in a program keeps it
        super().__init_subclass__(module="joviam", name=cls._kind)

    def __init__(self, resource_name: str, opts: pulumi.ResourceOptions | None, **arguments: Any) -> None:
        engine.end_quietly()
        lifecycle = self._lifecycle
        unset = {name for name, value in arguments.items() if value is None}.difference(lifecycle.filled)
        self._register(resource_name, opts, {key: arguments[key] for key in arguments.keys() - unset})
        none = pulumi.Output.from_input(None)
        for name in unset.difference(lifecycle.outputs):
            setattr(self, name, none)

    @classmethod
    def get(cls, resource_name: str, id: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None) -> Self:
        """Read the existing object ``id`` without managing it: it is neither changed nor deleted.

        Every argument and output has its live value; an instance's context is a secret. Fails if there is no such
        object.
        """
        engine.end_quietly()
        existing = cls.__new__(cls)
        secret = list(cls._lifecycle.secret)
        opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=id, additional_secret_outputs=secret))
        fields = dict.fromkeys(cls._lifecycle.args.model_fields)
        existing._register(resource_name, opts, fields)
        # a preview is told neither an id that is not in the state yet nor what is None: both would be unknown in it
        existing.__dict__["id"] = read = pulumi.Output.all(existing.urn, id).apply(lambda known: str(known[1]))
        for name in (*fields, *cls._lifecycle.outputs):
            shown: pulumi.Output[Any] = getattr(existing, name)
            shown = shown.apply(lambda value: None if has_unknown(value) else value, True)
            setattr(existing, name, pulumi.Output.all(read, shown).apply(lambda known: known[1]))
        return existing

    def _register(self, resource_name: str, opts: pulumi.ResourceOptions | None, props: dict[str, Any]) -> None:
        lifecycle = self._lifecycle
        super().__init__(lifecycle(), resource_name, {**dict.fromkeys(lifecycle.outputs), **props}, opts)
        for name in lifecycle.nullable:
            setattr(self, name, getattr(self, name).apply(lambda value: value or None))


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a program said: without hidden values and without the floats that whole numbers travel as."""
    return {key: _whole(value) for key, value in values.items() if not key.startswith("__") and value is not None}


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return value


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _as_said(value: Any, like: Any = None) -> Any:
    """Return a live value as a program would say it, in the way of ``like`` where there are several."""
    return value.as_said(like) if hasattr(value, "as_said") else value


def _usual(value: Any, words: Any) -> Any:
    """Return the value with every word that names a region, tier or template replaced by the first such word."""
    if isinstance(words, Mapping) and isinstance(value, Mapping):
        return {key: _usual(item, words.get(key)) for key, item in value.items()}
    return words[0] if words and value in words else value
