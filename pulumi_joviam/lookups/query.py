"""How a look-up works: when it asks, which account, and what matches. The look-ups are in the package itself."""

from __future__ import annotations

import asyncio
import contextvars
import functools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

import pulumi

from pulumi_joviam.api.errors import ArgumentError, JoviamError, NotFound, readable
from pulumi_joviam.api.models import Model, Named, PerformanceTier, Template
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.lifecycle import dynamic
from pulumi_joviam.resources.provider import NATIVE_PACKAGE, PACKAGE, Provider

if TYPE_CHECKING:  # a program without look-ups must not pay for requests
    from pulumi_joviam.lifecycle.operation import Session

M = TypeVar("M", bound=Model)
T = TypeVar("T")
Arguments: TypeAlias = Mapping[str, Any]
Opts: TypeAlias = "pulumi.InvokeOptions | None"

THREADS = 16
MOST_CANDIDATES = 20
CLOSED: Mapping[str, tuple[object, ...]] = {
    "use": ("disk", "instance"),
    "public": (True, False),
    "superseded": (True, False),
}
"""The values of the arguments that do not take free text."""
NARROWING = {*CLOSED, "region"}
"""The arguments that identify nothing on their own."""
REGIONAL: tuple[type[Model], ...] = (PerformanceTier, Template)
"""What each region has of its own: without a region, a look-up means that of the stack, as resources do."""


def run(how: Callable[[Session, type[M], Arguments], T], model: type[M], arguments: Arguments) -> T:
    """Ask the API, and wait for the response."""
    dynamic.end_quietly()
    opts, given = _split(arguments)
    account = _account(opts)
    for key, value in {**account, **given}.items():
        if isinstance(value, pulumi.Output) or isawaitable(value):
            name = _name(how, model)
            raise pulumi.RunError(f"{name}: {key} is an Output, whose value comes later; {name}_output waits for it")
    return _answer(how, model, account, given)


def run_output(
    how: Callable[[Session, type[M], Arguments], T], model: type[M], arguments: Arguments
) -> pulumi.Output[T]:
    """Ask the API in a thread as soon as all arguments are known."""

    async def ask(known: Sequence[Any]) -> T:
        loop, context = asyncio.get_running_loop(), contextvars.copy_context()
        secret = await asked.is_secret()
        answer = functools.partial(_answer, how, model, known[0], known[1], secret)
        return await loop.run_in_executor(_threads(), context.run, answer)

    dynamic.end_quietly()
    opts, given = _split(arguments)
    asked = pulumi.Output.all(_account(opts), given, _dependencies(opts))
    return asked.apply(ask)


def _split(arguments: Arguments) -> tuple[Opts, dict[str, Any]]:
    """Return the options of a call, and its other arguments."""
    return arguments["opts"], {key: value for key, value in arguments.items() if key != "opts"}


@functools.cache
def _threads() -> ThreadPoolExecutor:
    """Return threads of our own: those of the event loop wait for the resources that are being created."""
    return ThreadPoolExecutor(THREADS, "joviam-lookup")


def _answer(
    how: Callable[[Session, type[M], Arguments], T],
    model: type[M],
    account: Mapping[str, str],
    given: Arguments,
    secret: bool = False,
) -> T:
    """Ask the API of ``account`` (empty: that of the stack).

    Raises RunError, of which Pulumi shows the text and no traceback. It shows no argument if one of them is ``secret``.
    """
    try:
        return ask(account.get if account else pulumi.runtime.get_config, how, model, given)
    except JoviamError as error:
        values = {
            key: "[secret]" if secret else readable(repr(value)) for key, value in given.items() if value is not None
        }
        call = ", ".join(f"{key}={value}" for key, value in values.items())
        raise pulumi.RunError(f"{_name(how, model)}({call}): {error}") from None


def ask(
    config: Callable[[str], Any], how: Callable[[Session, type[M], Arguments], T], model: type[M], given: Arguments
) -> T:
    """Ask the API of the account that ``config`` says: it returns a setting by its full key. Raises JoviamError."""
    from pulumi_joviam.lifecycle.operation import session

    for key, value in given.items():
        _check(key, value)
    return how(session(Settings.load(config)), model, given)


def find_one(session: Session, model: type[M], given: Arguments) -> M:
    """Return the only object that matches."""
    wanted = {key: value for key, value in given.items() if value is not None}
    if "id" in wanted:  # any spelling of it means the same object
        wanted["id"] = wanted["id"].lower()
    default = session.client.settings.region if model in REGIONAL and not wanted.keys() & {"id", "region"} else None
    if default:
        wanted["region"] = default
    words = [key for key in given if key not in NARROWING]
    if not wanted.keys() & set(words):
        raise JoviamError(f"pass at least one of {', '.join(words)}")
    narrowing = {key: wanted.get(key) for key in NARROWING}
    if "id" in wanted and model is not PerformanceTier:  # which cannot be shown, only listed
        try:
            found = _matching(session, [session.client.get(model, wanted["id"])], wanted)
        except NotFound:
            found = []
        candidates = found or find_all(session, model, narrowing)
    else:
        # the slug or name of a template means its newest version
        candidates = find_all(session, model, narrowing if "id" in wanted else {**narrowing, "superseded": False})
        found = _matching(session, candidates, wanted)
    if len(found) == 1:
        return found[0]
    lines = sorted(", ".join(_values(item, words)) for item in found or candidates)
    if len(lines) > MOST_CANDIDATES:
        lines[MOST_CANDIDATES:] = [f"… and {len(lines) - MOST_CANDIDATES} more"]
    where = f" in {default}, the region of the stack or Provider" if default else ""
    happened = f"{len(found)} matches{where}; narrow it down or use an id:" if found else f"no match{where}; available:"
    raise JoviamError("\n  ".join([happened, *lines]) if lines else f"no match{where}; the list is empty")


def find_all(session: Session, model: type[M], given: Arguments) -> list[M]:
    """Return everything that matches."""
    paths = [path for use, path in model.paths().items() if given.get("use") in (None, use)]
    if (public := given.get("public")) is not None:
        paths = [f"{model.path}/{'public' if public else 'private'}"]
    # what Joviam offers is listed once per process; what the account has is read each time
    listed: Any = session.catalog.listed if issubclass(model, Named) else session.client.list
    return _matching(session, [item for path in paths for item in listed(model, path)], given)


def _matching(session: Session, items: Sequence[M], given: Arguments) -> list[M]:
    """Return the items that have the given values."""
    region = session.catalog.region(given["region"]) if given.get("region") is not None else None

    def matches(item: Any) -> bool:
        return (
            item.state not in item.gone
            and (region is None or item.region.id == region.id)
            and given.get("superseded") in (None, bool(getattr(item, "superseded_by_id", None)))
            and all(given[key] in (None, getattr(item, key)) for key in given if key not in NARROWING)
        )

    return [item for item in items if matches(item)]


def _values(item: Any, keys: Sequence[str]) -> list[str]:
    """Return the values that an object can be found by, its region and its id."""
    values = [getattr(item, key) for key in keys if key != "id"]
    region = [item.region.code] if hasattr(item, "region") else []
    return [readable(value) for value in (*values, *region, item.id) if value]


def _check(key: str, value: Any) -> None:
    """Raise ArgumentError for a value of the wrong kind."""
    if key in CLOSED:
        if value is not None and value not in CLOSED[key]:
            raise ArgumentError(key, f"must be {' or '.join(map(repr, CLOSED[key]))}")
    elif not isinstance(value, (str, type(None))):
        raise ArgumentError(key, f"must be a text, not {type(value).__name__}")


def _name(how: Callable[..., Any], model: type[Model]) -> str:
    """Return the name of the function that the program called."""
    return f"get_{model.path[1:]}" if how is find_all else f"get_{model.noun.lower().replace(' ', '_')}"


def _account(opts: Opts) -> dict[str, Any]:
    """Return the configuration of the account to ask: an empty one means that of the stack."""
    opts = opts or pulumi.InvokeOptions()
    types = (f"{PACKAGE}:dynamic:Resource", f"{NATIVE_PACKAGE}:index:Resource")
    passed = [found for it in types if opts.parent and (found := opts.parent.get_provider(it))]
    provider = opts.provider or next(iter(passed), None)
    if provider is None:
        return {}
    if not isinstance(provider, Provider):
        raise pulumi.RunError(
            "a look-up asks the account of a pulumi_joviam.Provider; this is another kind of provider"
        )
    return provider._account


def _dependencies(opts: Opts) -> pulumi.Output[Any]:
    """Return an Output that is known when everything that the look-up depends on exists."""

    def ids(given: Any) -> pulumi.Output[Any]:
        resources = cast("Sequence[Any]", given) if isinstance(given, (list, tuple)) else [given]
        if not all(isinstance(resource, pulumi.CustomResource) for resource in resources):
            raise pulumi.RunError(
                "a look-up can depend on resources, not on components: pass the resources in the component"
            )
        return pulumi.Output.all(*(resource.id for resource in resources))

    return pulumi.Output.from_input(getattr(opts, "depends_on", None) or []).apply(ids)
