"""check, diff, create, read, update and delete, shared by all resources.

The methods that differ between resources are in hooks.py.

Create is post and converge. Update is look and converge, limited to the arguments in its scope: those that diff has
named, which are those in the preview, and those that an earlier step left unfinished. To converge, an argument
outside the scope looks like one that was not given. The live object is always read from the API. If it has drifted
outside the scope, no refresh has recorded that yet, so it is left alone, with a warning.

The format of the state is in state.py.
"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

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
from pulumi.output import UNKNOWN

from pulumi_joviam.api.deadline import Deadline
from pulumi_joviam.api.errors import (
    ApiError,
    ArgumentError,
    BadAnswer,
    Failed,
    JoviamError,
    NoAnswer,
    NotFound,
    ServerError,
    Taken,
    TimedOut,
    readable,
)
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.lifecycle import dynamic, ignored, journal
from pulumi_joviam.lifecycle.aliases import Aliases, Path, at, put
from pulumi_joviam.lifecycle.arguments import Value, check, has_unknown
from pulumi_joviam.lifecycle.call import Call, Reported, cancelled, current, step
from pulumi_joviam.lifecycle.change import Change, Step
from pulumi_joviam.lifecycle.hooks import A, Hooks, M, as_input
from pulumi_joviam.lifecycle.state import Hidden

if TYPE_CHECKING:  # the program imports this module too, and must not pay for requests
    from pulumi_joviam.lifecycle.names import Shape
    from pulumi_joviam.lifecycle.operation import Operation

Inputs: TypeAlias = dict[str, Any]

MISSING = "Run `pulumi refresh` to record that; the next `up` then creates it again"


class Lifecycle(Hooks[A, M], ResourceProvider):
    """The lifecycle of one kind of resource.

    The module path and the class name of every subclass are in users' state, so they never change. An instance has no
    attributes before `configure`, so that reference is all that is stored.
    """

    serialize_as_secret_always = False

    def configure(self, req: ConfigureRequest) -> None:
        dynamic.serve()
        self.begin(req.config.get)

    def begin(self, config: Callable[[str], Any]) -> None:
        """Prepare to serve. ``config`` returns a setting by its full key, e.g. ``joviam:token``."""
        self.args.model_rebuild()  # now, before other threads use it: pydantic's lazy build is not thread-safe
        self._config = config
        self._checked: set[str] = set()

    @functools.cached_property
    def _configured(self) -> Settings:
        """The settings of this run. Raises ConfigError."""
        return Settings.load(self._config)

    @dynamic.served
    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        news, olds = _plain(news), self._held(olds)
        call = current()
        with self._reporting("checking", call):
            settings = self._configured
        self._checked.add(call.urn)
        journal.of_stack(call.stack).named.add(call.urn)
        # an object that was imported without a name stays nameless until the program names it
        nameless = "name" not in news and "name" in self.args.model_fields
        if nameless and ("name" in olds or not olds) and call.name:
            news["name"] = call.name
        news = self.args.normalized(self.defaults(news, settings))
        problems = check(self.args, news)
        if not olds and not problems:  # a new object: the engine does not call diff for it
            with self._reporting("checking", call):
                problems = self._looked_up(call, Aliases(self.args), news, self.args.names())
        # the engine prints the value of the property that a failure names, even a secret: so ours name none
        failures = [CheckFailure("", f"{where}: {what}") for where, what in problems]
        # __provider is not an argument: _plain removes it and the plugin adds it again
        return CheckResult(news, failures)

    def _looked_up(
        self, call: Call, aliases: Aliases, said: Mapping[str, Any], paths: Iterable[Path]
    ) -> list[tuple[str, str]]:
        """Look up the names at these paths with the time limit of a preview, and return (argument, problem).

        If the API cannot be reached, there is one warning: a preview also works offline.
        """
        known = [path for path in paths if isinstance(at(said, path), str)]
        if not known:
            return []
        from pulumi_joviam.lifecycle.operation import session

        shared = session(self._configured)
        if shared.offline:
            return []
        catalog = shared.catalog.until(Deadline.after(self._configured.pace.preview, cancelled))
        try:
            found, wrong = aliases.look_up(catalog, said, known)
        except (NoAnswer, BadAnswer, ServerError, TimedOut) as error:
            shared.offline = True
            call.warn(f"the API cannot be reached, so regions, tiers and templates are not checked: {error}")
            return []
        return [*((error.argument, error.message) for error in wrong), *self.fits(said, found)]

    @dynamic.served
    def diff(self, id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        found = self.difference(id, olds, news)
        # None lets the engine show the lines that differ between the old and the new inputs
        lines = None if found.steps and found.reworded else True
        return DiffResult(
            changes=lines if found.changes else False,
            replaces=found.replaces,
            delete_before_replace=found.deletes_first,
        )

    def difference(self, id: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> Difference:
        """Return the difference between the object and the program, and warn of its effects."""
        call = current()
        self._seen(call, id)
        hidden = call.hidden
        if hidden.failed:
            return Difference({"name": "replace"}, changes=True, deletes_first=True)
        before, news = None if call.inputs is None else self._held(call.inputs), _plain(news)
        checked, reworded = call.urn in self._checked, before is not None and before != news
        if before is not None and not checked and not has_unknown(news):  # a refresh shows what it has found
            other = (field for field in {**before, **news} if before.get(field) != news.get(field))
            return Difference(dict.fromkeys(other, "update"), changes=reworded, reworded=reworded)
        held = self._held(olds)
        with self._reporting("checking", call):
            self._is_ours(call, id)
            if news == before == {field: held[field] for field in self.args.model_fields if field in held}:
                change = Change(held, news, news)  # where nothing differs, names need no ids
            else:
                plan = self._plan(call, held, news)
                if plan.problems:
                    raise ArgumentError(*plan.problems[0])
                change = plan.change
        steps = change.steps
        if checked:  # the engine also asks which resources depend on a replaced one, before it checks them
            effects = self.effects(change, self.memory.read(hidden.private))
            for warning in (*(effect.warning for effect in effects), *self.notices(change)):
                if warning:
                    call.warn(warning)
        return Difference(
            steps,
            changes=bool(steps or hidden.unfinished) or self._is_spelled_otherwise(call, olds),
            # even without a replacement here: --replace and replace_on_changes turn updates into replacements
            deletes_first=self.delete_first(change),
            reworded=reworded,
        )

    def _plan(self, call: Call, olds: Mapping[str, Any], news: Mapping[str, Any]) -> Plan:
        """Return the change from the state to the program."""
        hidden, before = call.hidden, {} if call.inputs is None else self._held(call.inputs)
        before |= {it: _whole(said) for it, said in hidden.desired.items() if before.get(it) == olds.get(it)}
        # values that were too long for the state: the inputs are the best guess
        olds = {**olds, **{field: (before or news).get(field) for field in hidden.dropped}}
        held = {field: olds[field] for field in self.args.model_fields if field in olds}
        news = ignored.keep(news, held, call.ignored)
        aliases = Aliases(self.args, hidden.aliases)
        aliases.follow(held, before)
        problems = self._looked_up(call, aliases, news, aliases.new(news, held))
        old, new = aliases.as_ids(olds), aliases.as_ids(news)
        for path in aliases.new(news, held):  # the API could not be reached
            new = put(new, path, UNKNOWN)
        change = Change(old, new, before)
        return Plan(replace(change, steps=self.steps(change)), news, aliases, problems)

    def _held(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return values of the state with our names. The other plugin may have written it with its own."""
        plain = _plain(values)
        return plain if all(map(str.islower, plain)) else dict(self._names.inward(plain))

    @functools.cached_property
    def _names(self) -> Shape:
        from pulumi_joviam.lifecycle.names import shapes  # only a stack that has changed plugins needs it

        return shapes({**dict.fromkeys(self.outputs), **{name: it.hint for name, it in self.args.traits().items()}})

    def _is_spelled_otherwise(self, call: Call, olds: Mapping[str, Any]) -> bool:
        """Return whether the other plugin has written the state: an update then rewrites the state only."""
        return not _plain(olds).keys() <= call.in_state(dict.fromkeys(self._held(olds))).keys()

    def create_preview(self, props: Mapping[str, Any]) -> dict[str, Any]:
        """Return the outputs of a create that are known in advance."""
        said = _plain(props)
        return {**dict.fromkeys(self.outputs, UNKNOWN), **self.foreseen(said), **said}

    def update_preview(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
        """Return the outputs of an update that are known in advance."""
        call, held = current(), self._held(olds)
        with self._reporting("checking", call):
            plan = self._plan(call, held, _plain(news))
        hidden = call.hidden
        unfinished = {*hidden.unfinished, *self.unfinished(self.memory.read(hidden.private))}
        scope, moved = {*plan.change.steps, *unfinished}, self.moved(plan.change, unfinished)
        arguments = {field: value if field in scope else held.get(field, value) for field, value in plan.said.items()}
        outputs = {name: UNKNOWN if name in moved else held.get(name, UNKNOWN) for name in self.outputs}
        foreseen = {name: value for name, value in self.foreseen(plan.said).items() if name in moved}
        return {**outputs, **foreseen, **arguments}

    @dynamic.served
    def create(self, props: dict[str, Any]) -> CreateResult:
        call, said = current(), _plain(props)
        with self._reporting("creating", call):
            op = self._begin(call, self._configured.pace.step)
            args = self._args(self._meant(op, said, self.args.names()))
            live = self.post(op, args)
            return CreateResult(live.id, self._converged("creating", op, live, args, said, {}))

    @dynamic.served
    def update(self, id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        call, held, news = current(), self._held(olds), _plain(news)
        self._seen(call, id)
        with self._reporting("updating", call):
            plan = self._plan(call, held, news)
            op, said = self._begin(call, self._configured.pace.step, plan), plan.said
            wanted = self._meant(op, said, plan.aliases.new(said, held))
            taken = {
                field: traits.resets.to
                for field, traits in self.args.traits().items()
                if traits.resets and field in held and field not in wanted
            }
            args = self._args(wanted, taken)
            live = self._existing(op, id, args.model_fields_set)
            if live is None:
                raise JoviamError(f"the {self.model.noun} {id} no longer exists. {MISSING}.")
            scope = {*plan.change.steps, *call.hidden.unfinished} & args.model_fields_set
            if not scope and not self._is_spelled_otherwise(call, olds):
                # after a failed step the engine calls update without a difference; 0.1.0 did not record the arguments
                scope = args.model_fields_set
            scope |= self.unfinished(op.private) & args.model_fields_set
            for field in sorted(args.model_fields_set - scope - ignored.fields(call.ignored)):
                if not self._is_as_held(field, live, plan.change.live):
                    op.warn(self._left_alone(field, live, wanted=said.get(field), held=held.get(field)))
            args = self._in_scope(args, scope, live, call.ignored)
            return UpdateResult(self._converged("updating", op, live, args, news, held))

    @dynamic.served
    def read(self, id: str, props: dict[str, Any]) -> ReadResult:  # pyright: ignore[reportIncompatibleMethodOverride] # by position
        return self._read(id, props, self._all_inputs)

    def _all_inputs(self, _op: Operation[Any], live: M) -> tuple[Inputs, Inputs]:
        """Describe an object that is read by Class.get: all of its arguments, none of them managed."""
        return {}, {field: as_input(value) for field, value in self.as_inputs(live).items()}

    def _program(self, op: Operation[Any], live: M) -> tuple[Inputs, Inputs]:
        """Describe an object that is imported, without arguments that every preview would reject."""
        said = self.as_program(op, live)
        refused = self.refused(said)
        said = {field: value for field, value in said.items() if field not in refused}
        return said, said

    def read_as_program(self, id: str, props: Mapping[str, Any]) -> ReadResult:
        """Read the object. If it is not managed yet, describe it as a program would, for an import."""
        return self._read(id, props, self._program)

    def _read(
        self, id: str, props: Mapping[str, Any], describe: Callable[[Operation[Any], M], tuple[Inputs, Inputs]]
    ) -> ReadResult:
        """Read the object. If it is not managed, ``describe`` returns (its inputs, the arguments to show)."""
        call = current()
        self._seen(call, id)
        held = self._held(props)
        said = {field: held[field] for field in self.args.model_fields if field in held}
        if call.inputs is not None:
            said = self._held(call.inputs)
        unmanaged = not said
        self._checked.discard(call.urn)
        with self._reporting("reading", call):
            op = self._begin(call, self._configured.pace.read)
            live = self._existing(op, id, set(self.args.model_fields) if unmanaged else set(said))
            if live is None:
                self.forget(op)
            if live is None and not held:  # it was never seen, so the id is a mistake
                raise JoviamError(f"there is no {self.model.noun} {id}")
        if live is None:
            return ReadResult(None, {})
        inputs, said = describe(op, live) if unmanaged else (Inputs(), said)
        hidden, shown = call.hidden, self._shown(op, live, said)
        left = Hidden(aliases=op.aliases.all_held(), unfinished=hidden.unfinished)
        if unmanaged:
            return ReadResult(id, self._state(op, live, shown, left), inputs)
        # the live values, to show drift; but a value that is left as is is shown once, and the input stays
        refreshed = {field: _whole(value) for field, value in hidden.desired.items()}
        before = said | {field: value for field, value in refreshed.items() if said.get(field) == held.get(field)}
        stays = {field for field in shown if self.stays(field, shown[field], before.get(field))}
        left = replace(left, desired={field: before[field] for field in stays})
        known = {field: said[field] for field in stays if shown[field] == held.get(field)}
        return ReadResult(id, self._state(op, live, shown, left), {**shown, **known})

    @dynamic.served
    def delete(self, id: str, props: dict[str, Any]) -> None:
        call = current()
        self._seen(call, id)
        with self._reporting("deleting", call):
            op = self._begin(call, self._configured.pace.step)
            live = self._existing(op, id, set())
            if live is not None:
                self.remove(op, live)
            self.clean_up(op)

    # -- helpers --

    def _begin(self, call: Call, seconds: float, plan: Plan | None = None) -> Operation[Any]:
        from pulumi_joviam.lifecycle.operation import Operation

        hidden = call.hidden
        aliases = plan.aliases if plan else Aliases(self.args, hidden.aliases)
        before: Mapping[str, Any] = plan.change.before if plan else {}
        private = self.memory.read(hidden.private)
        return Operation.begin(call, self._configured, call.timeout or seconds, aliases, private, before)

    def _meant(self, op: Operation[Any], said: Mapping[str, Any], new: Iterable[Path]) -> dict[str, Any]:
        """Return the inputs with ids in place of names. The ``new`` ones are looked up now."""
        _, wrong = op.aliases.look_up(op.catalog, said, [path for path in new if at(said, path) is not None])
        if wrong:
            raise wrong[0]
        return op.aliases.as_ids(said)

    def _in_scope(self, args: A, scope: set[str], live: M, paths: Iterable[str]) -> A:
        """Return the arguments. Only those in ``scope`` count as given, and ignored ones have their live value."""
        said = {field: getattr(args, field) for field in self.args.model_fields}
        there = {field: as_input(value, said.get(field)) for field, value in self.as_inputs(live).items()}
        return self.args.model_construct(scope, **ignored.keep(said, there, paths))  # type: ignore[return-value] # args is the class of A

    def _is_as_held(self, field: str, live: M, held: Mapping[str, Any]) -> bool:
        """Return whether the live value of an argument is the one in the state, as far as it can be read."""
        shown, there = self.as_inputs(live), held.get(field)
        return field not in shown or there is None or self._matches(self.args.traits()[field].same, shown[field], there)

    def _left_alone(self, field: str, live: M, *, wanted: Any, held: Any) -> str:
        """Return the warning for an argument that was changed outside Pulumi and that no preview has listed."""
        now = as_input(self.as_inputs(live)[field], held)
        values = f"is {readable(now)} but the program asks for {readable(wanted)}"
        if not self.args.model_fields[field].repr:
            values = "was changed outside Pulumi"
        return (
            f"{field} {values}; it is left as is. `pulumi refresh` records it, "
            "and the preview after that shows what `up` does about it"
        )

    @staticmethod
    def _seen(call: Call, id: str) -> None:
        """Tell the journal which objects of a resource are in the state."""
        journal.of_stack(call.stack).seen([id, *_texts(call.hidden.private)])

    def _is_ours(self, call: Call, id: str) -> None:
        """Raise JoviamError if the object belongs to another account than the token."""
        account = call.hidden.account
        if not self.stays_put or account in ("", self._configured.account):
            return
        from pulumi_joviam.lifecycle.operation import session

        if account in session(self._configured).accounts:
            return
        try:
            self._existing(self._begin(call, self._configured.pace.preview), id, set())
        except (NoAnswer, BadAnswer, ServerError, TimedOut) as error:
            call.warn(f"the API cannot be reached to check whether it still exists: {error}")

    def _existing(self, op: Operation[Any], id: str, fields: set[str]) -> M | None:
        """Read the object, or return None if the API says that it does not exist."""
        account = op.call.hidden.account
        try:
            live = self.look(op.sharing(), id, fields)
        except NotFound:
            if self.stays_put and account not in {"", *op.session.accounts}:
                raise JoviamError(
                    f"the {self.model.noun} {id} was created with another token, and is not in the account of "
                    f"{op.session.client.settings.token_source}: it still exists in that account. Use that token or "
                    "provider again. If it was deleted there, too, run `pulumi state delete`."
                ) from None
            return None
        op.session.accounts.add(account)
        if live.state == "transferred":
            op.warn(
                f"the {live.noun} {id} was transferred to another organization and is no longer managed by this stack"
            )
        return None if live.state in live.gone else live

    def _args(self, said: Mapping[str, Any], taken: Mapping[str, Any] | None = None) -> A:
        """Return the arguments, with the defaults of those that were removed. Raises ArgumentError."""
        problems = check(self.args, said)
        if problems:
            raise ArgumentError(*problems[0])
        return self.args.model_validate({**(taken or {}), **said})  # type: ignore[return-value] # args is the class of A

    def _converged(
        self, doing: str, op: Operation[Any], live: M, args: A, said: Mapping[str, Any], held: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Converge and return the outputs. Arguments outside the scope keep the values of the state (``held``).

        Whatever fails from here on, the engine keeps the object, with the live values of all arguments in scope.
        """
        scope = args.model_fields_set
        kept = {field: held.get(field, said[field]) for field in said if field not in scope}
        try:
            self._fits(op, live, args)
            live = self.converge(op, live, args)
            op.session.creations.look_back(op)
            if not op.call.is_waited_for:
                op.journal.doubt(op.call.urn)
            shown = self._shown(op, live, {field: said[field] for field in said if field in scope})
            return self._state(op, live, {**kept, **shown}, Hidden(aliases=op.aliases.held(said, kept, shown)))
        except Exception as error:  # noqa: BLE001 - also a bug of ours must not lose the object
            op.journal.doubt(op.call.urn)
            there = self._last_look(op, live, args, error)
            live = there or live
            # arguments that cannot be read keep their previous values after a failed update
            unseen = scope - self.as_inputs(live).keys()
            wanted = {field: said.get(field, getattr(args, field)) for field in scope}
            before = {field: held.get(field) for field in unseen} if held else {}
            shown = self._shown(op, live, {**wanted, **before})
            failed = ""
            then = "is in the state; the next `pulumi up` continues with it"
            if there is None and doing == "creating":
                failed = "terminated"
                then = "no longer exists; the next `pulumi up` creates another"
            elif there is None:
                then = f"no longer exists. {MISSING}"
            elif isinstance(error, Failed) and live.state in live.failed:
                failed = live.state
                then = "is in the state; the next `pulumi up` deletes it and creates another"
            elif isinstance(error, Taken):
                then = "is in the state; after that, `pulumi up` continues with it"
            text = f"{self._text(doing, op.call, error)}\nThe {live.noun} {live.id} {then}."
            aliases = op.aliases.held(said, kept, shown)
            hidden = Hidden(aliases=aliases, unfinished=tuple(sorted(scope)), failed=failed)
            outputs = self._state(op, live, {**kept, **shown}, hidden)
            failure = op.call.partial_failure(live.id, outputs, text)
            op.session.creations.look_back(op)
            raise failure from None

    def _fits(self, op: Operation[Any], live: M, args: A) -> None:
        """Raise JoviamError if the program has changed since an interrupted run created the object."""
        if not op.taken_over:
            return
        shown, traits = self.as_inputs(live), self.args.traits()
        other = [
            field
            for field in args.model_fields_set
            if field in shown
            and traits[field].replaces
            and not self._matches(traits[field].same, shown[field], getattr(args, field))
        ]
        if other:
            raise JoviamError(
                f"an interrupted run had created it with another {', '.join(other)}; the next `pulumi up` replaces it"
            )

    def _last_look(self, op: Operation[Any], live: M, args: A, error: Exception) -> M | None:
        """Return the live object after a failure (the last known one if it cannot be read), or None."""
        if cancelled.is_set() or not isinstance(error, JoviamError):
            return live
        try:
            now = self.look(op.afresh(op.pace.last_look), live.id, args.model_fields_set)
        except NotFound:
            return None
        except JoviamError:
            return live
        return None if now.state in now.gone - now.failed else now

    def _shown(self, op: Operation[Any], live: M, said: Mapping[str, Any]) -> dict[str, Any]:
        """Return the inputs with each value that has drifted replaced by the live one."""
        shown, traits = self.as_inputs(live), self.args.traits()
        meant, now = op.aliases.as_ids(said), dict[str, Any]()
        for field, value in said.items():
            if value is None:
                continue
            if field not in shown or self._matches(traits[field].same, shown[field], meant[field]):
                now[field] = value
            elif shown[field] is not None:
                now[field] = as_input(shown[field], like=value)
        return op.aliases.show(now, shown)

    def _state(self, op: Operation[Any], live: M, arguments: Mapping[str, Any], hidden: Hidden) -> dict[str, Any]:
        """Return the outputs for the state."""
        hidden = replace(hidden, private=op.private.write(), account=op.session.client.settings.account)
        return {
            **arguments,
            **{name: "" if value is None else value for name, value in self.as_outputs(live).items()},
            **hidden.write(),
        }

    @contextmanager
    def _reporting(self, doing: str, call: Call) -> Generator[None, None, None]:
        """Turn an exception into one clear message on the resource."""
        if doing in ("creating", "updating", "deleting"):
            journal.of_stack(call.stack).acted = True
        try:
            with step():
                yield
        except JoviamError as error:
            raise call.refusal(self._text(doing, call, error)) from None
        except Reported:
            raise
        except Exception:  # noqa: BLE001 - a bug of ours: its traceback, too, must not be longer than the engine takes
            raise call.refusal(traceback.format_exc()) from None

    def _text(self, doing: str, call: Call, error: Exception) -> str:
        text = error.describe(self.api_names) if isinstance(error, ApiError) else str(error)
        if not isinstance(error, JoviamError):
            text = f"a bug in pulumi-joviam, please report it: {type(error).__name__}: {text}"
        return f'{doing} {self.model.noun} "{call.name}": {text}'


@dataclass(frozen=True)
class Difference:
    """A change as a preview shows it. ``steps`` has the step of each argument."""

    steps: Mapping[str, Step]
    changes: bool
    """Whether there is anything to do, which is possible without a changed argument."""
    deletes_first: bool = False
    reworded: bool = False
    """Whether the inputs have changed since the last update."""

    @property
    def replaces(self) -> list[str]:
        """The arguments whose change replaces the object."""
        return [field for field, step in self.steps.items() if step == "replace"]


@dataclass(frozen=True)
class Plan:
    """The change that diff and update find, with what they need for it."""

    change: Change
    said: Mapping[str, Any]
    """The inputs with the program's names; ignored changes have the value in the state."""
    aliases: Aliases
    problems: list[tuple[str, str]]
    """(argument, problem) of new names."""


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs without hidden values, and with whole numbers as int instead of float."""
    return {key: _whole(value) for key, value in values.items() if not key.startswith("__") and value is not None}


def _whole(value: Value) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return value


def _texts(value: Value) -> Iterator[str]:
    """Yield every string in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
