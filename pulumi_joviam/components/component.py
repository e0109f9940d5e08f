"""What all components have in common: how their arguments are declared, and what they hand to the engine."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, ParamSpec, TypeVar, cast, get_origin

import pulumi

from pulumi_joviam.lifecycle.declare import Passed, arg

A = TypeVar("A", bound=Passed)
P = ParamSpec("P")
R = TypeVar("R", bound=pulumi.Resource)


class Component(Passed, pulumi.ComponentResource, Generic[A]):
    """Base of the components, which inherit their arguments, too: ``class Server(ServerArgs, Component[ServerArgs])``.

    Each argument is an attribute with the value that was passed.
    """

    _kind: ClassVar[str]

    if TYPE_CHECKING:
        resource_name: str = arg(kw_only=False)
        opts: pulumi.ResourceOptions | None = arg(default=None, kw_only=False)

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if any(get_origin(base) is Component for base in vars(cls).get("__orig_bases__", ())):
            cls._kind = cls.__name__  # the type stands in users' state, so a subclass in a program keeps it

    @staticmethod
    def _served(kind: type[Any]) -> type[Any]:
        """Return the class of a child, which depends on the plugin that serves it."""
        return kind

    def _child(self, kind: Callable[P, R], *args: P.args, **arguments: P.kwargs) -> R:
        """Create a child.

        Not by its constructor: the SDK shows the line that calls the third ``__init__`` from the inside, and that is
        the program's own line only if the component's is the first of ours.
        """
        made: Any = object.__new__(self._served(cast("type[Any]", kind)))
        made._begin(*args, **arguments)
        return cast("R", made)

    def _check(self, name: str, args: A) -> None:
        """Raise RunError for arguments that a program must not pass."""

    def _compose(self, name: str, args: A) -> None:
        """Create the children and set the attributes that the class declares as `Made`."""
        raise NotImplementedError

    def _outputs(self) -> dict[str, Any]:
        """Return what the state has as the outputs of the component: all attributes that are outputs."""
        made = self._declaration.outputs.items()
        return {name: getattr(self, name) for name, hint in made if get_origin(hint) is pulumi.Output}

    def _begin(self, resource_name: str, opts: pulumi.ResourceOptions | None, **arguments: Any) -> None:
        arguments = self._declaration.complete(arguments)
        args: Any = SimpleNamespace(**arguments)
        vars(self).update(arguments)
        self._check(resource_name, args)
        # pyright takes the arguments that Passed declares for those of an __init__, which it has not
        super().__init__(f"joviam:index:{self._kind}", resource_name, None, opts)  # pyright: ignore[reportCallIssue]
        self._compose(resource_name, args)
        self.register_outputs(self._outputs())
