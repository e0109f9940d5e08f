"""How a look-up asks: at once or later, whose account, and what fits. What can be asked is in the package itself."""

from __future__ import annotations

import asyncio
import contextvars
import functools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import pulumi

from pulumi_joviam.api.errors import ArgumentError, JoviamError, NotFound, readable
from pulumi_joviam.api.models import Model, Named, PerformanceTier, Template
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.lifecycle import host
from pulumi_joviam.resources.provider import PACKAGE, Provider

if TYPE_CHECKING:  # a program without look-ups must not pay for requests
    from pulumi_joviam.lifecycle.operation import Session

M = TypeVar("M", bound=Model)
T = TypeVar("T")
Said: TypeAlias = Mapping[str, Any]
Opts: TypeAlias = "pulumi.InvokeOptions | None"

THREADS = 16
MOST_CANDIDATES = 20
CLOSED: Mapping[str, tuple[object, ...]] = {
    "use": ("disk", "instance"),
    "public": (True, False),
    "superseded": (True, False),
}
"""The values of the arguments that take no free text."""
NARROWING = {*CLOSED, "region"}
"""The arguments that alone name nothing."""
REGIONAL = (PerformanceTier, Template)
"""What every region has: where a look-up of one says no region, it means the stack's, as resources do."""


def run(how: Callable[[Session, type[M], Said], T], model: type[M], opts: Opts, **said: Any) -> T:
    """Ask, and wait for the answer."""
    host.end_quietly()
    account = _account(opts)
    for key, value in {**account, **said}.items():
        if isinstance(value, pulumi.Output) or isawaitable(value):
            name = _name(how, model)
            raise pulumi.RunError(f"{name}: {key} is an Output, whose value comes later; {name}_output waits for it")
    return _answer(how, model, account, said)


def run_output(how: Callable[[Session, type[M], Said], T], model: type[M], opts: Opts, **said: Any) -> pulumi.Output[T]:
    """Ask in a thread as soon as everything that was said is known."""

    async def ask(known: Sequence[Any]) -> T:
        loop, context = asyncio.get_running_loop(), contextvars.copy_context()
        secret = await asked.is_secret()
        return await loop.run_in_executor(_threads(), context.run, _answer, how, model, known[0], known[1], secret)

    host.end_quietly()
    asked = pulumi.Output.all(_account(opts), said, _there(opts))
    return asked.apply(ask)


@functools.cache
def _threads() -> ThreadPoolExecutor:
    """Return threads of our own: those of the event loop wait for the resources that are being made."""
    return ThreadPoolExecutor(THREADS, "joviam-lookup")


def _answer(
    how: Callable[[Session, type[M], Said], T],
    model: type[M],
    account: Mapping[str, str],
    said: Said,
    secret: bool = False,
) -> T:
    """Ask ``account`` (none: that of the stack).

    Raises RunError, of which Pulumi shows the text and no traceback; what was asked with a ``secret`` is not in it.
    """
    from pulumi_joviam.lifecycle.operation import session

    try:
        for key, value in said.items():
            _check(key, value)
        settings = Settings.load(account.get if account else pulumi.runtime.get_config)
        return how(session(settings), model, said)
    except JoviamError as error:
        values = {
            key: "[secret]" if secret else readable(repr(value)) for key, value in said.items() if value is not None
        }
        given = ", ".join(f"{key}={value}" for key, value in values.items())
        raise pulumi.RunError(f"{_name(how, model)}({given}): {error}") from None


def find_one(session: Session, model: type[M], said: Said) -> M:
    """Return the only object that fits."""
    wanted = {key: value for key, value in said.items() if value is not None}
    if "id" in wanted:  # any spelling of it means the same object
        wanted["id"] = wanted["id"].lower()
    default = session.client.settings.region if model in REGIONAL and not wanted.keys() & {"id", "region"} else None
    if default:
        wanted["region"] = default
    words = [key for key in said if key not in NARROWING]
    if not wanted.keys() & set(words):
        raise JoviamError(f"say at least one of {', '.join(words)}")
    narrowing = {key: wanted.get(key) for key in NARROWING}
    if "id" in wanted and model is not PerformanceTier:  # which cannot be shown, only listed
        try:
            found = _fitting(session, [session.client.get(model, wanted["id"])], wanted)
        except NotFound:
            found = []
        there = found or find_all(session, model, narrowing)
    else:
        # a word for a template means its newest version
        there = find_all(session, model, narrowing if "id" in wanted else {**narrowing, "superseded": False})
        found = _fitting(session, there, wanted)
    if len(found) == 1:
        return found[0]
    lines = sorted(", ".join(_words(item, words)) for item in found or there)
    if len(lines) > MOST_CANDIDATES:
        lines[MOST_CANDIDATES:] = [f"… and {len(lines) - MOST_CANDIDATES} more"]
    where = f" in {default}, the region of the stack or Provider" if default else ""
    happened = f"{len(found)} matches{where}; narrow it down or use an id:" if found else f"no match{where}; available:"
    raise JoviamError("\n  ".join([happened, *lines]) if lines else f"no match{where}; the list is empty")


def find_all(session: Session, model: type[M], said: Said) -> list[M]:
    """Return everything that fits."""
    paths = [model.path]
    if model is PerformanceTier:
        paths = [f"{model.path}/{use}s" for use in ("disk", "instance") if said.get("use") in (None, use)]
    if (public := said.get("public")) is not None:
        paths = [f"{model.path}/{'public' if public else 'private'}"]
    # what Joviam offers is listed once per process, what the account has is seen as it is now
    listed: Any = session.catalog.listed if issubclass(model, Named) else session.client.list
    return _fitting(session, [item for path in paths for item in listed(model, path)], said)


def _fitting(session: Session, items: Sequence[M], said: Said) -> list[M]:
    """Return those of the items that are like what was said."""
    region = session.catalog.region(said["region"]) if said.get("region") is not None else None

    def fits(item: Any) -> bool:
        return (
            item.state not in item.gone
            and (region is None or item.region.id == region.id)
            and said.get("superseded") in (None, bool(getattr(item, "superseded_by_id", None)))
            and all(said[key] in (None, getattr(item, key)) for key in said if key not in NARROWING)
        )

    return [item for item in items if fits(item)]


def _words(item: Any, keys: Sequence[str]) -> list[str]:
    """Return what an object may be found by, its region and its id."""
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
    """Return what the program called."""
    return f"get_{model.path[1:]}" if how is find_all else f"get_{model.noun.lower().replace(' ', '_')}"


def _account(opts: Opts) -> dict[str, Any]:
    """Return the configuration of the account that is asked: none is that of the stack."""
    opts = opts or pulumi.InvokeOptions()
    provider = opts.provider or (opts.parent and opts.parent.get_provider(f"{PACKAGE}:dynamic:Resource"))
    if provider is None:
        return {}
    if not isinstance(provider, Provider):
        raise pulumi.RunError(
            "a look-up asks the account of a pulumi_joviam.Provider; this is another kind of provider"
        )
    return provider._account


def _there(opts: Opts) -> pulumi.Output[Any]:
    """Return something that is known when what the look-up depends on is there."""

    def ids(said: Any) -> pulumi.Output[Any]:
        resources = said if isinstance(said, (list, tuple)) else [said]
        if not all(isinstance(resource, pulumi.CustomResource) for resource in resources):
            raise pulumi.RunError("a look-up can depend on resources, not on components: name what they made")
        return pulumi.Output.all(*(resource.id for resource in resources))

    return pulumi.Output.from_input(getattr(opts, "depends_on", None) or []).apply(ids)
