"""What a plain command line does not need: help, mistakes, suggestions. By typer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from types import FunctionType
from typing import Annotated, Any, NoReturn

import typer

from ppm.commands.arguments import REQUIRED, Parameter, parameters_of
from ppm.commands.options import Option

_FAMILIES = {
    "ledger": "Check the ledger, sign and prove what it says.",
    "trust": "The keys whose signatures count in the project.",
}
"""What the verbs are for that begin with the same word."""


def explain(
    verbs: Mapping[str, FunctionType],
    words: Sequence[str],
    *,
    stop_at_first: frozenset[str],
) -> NoReturn:
    """Let typer read ``words``: it runs the verb, shows help, or says what is wrong and exits 2.

    Args:
        verbs: The verbs to know, by name; each declares its options as :mod:`ppm.commands.options`.
        words: The whole command line, the verb included.
        stop_at_first: Verbs whose first positional word ends their options.
    """
    app = _application("A package manager for Python projects with a flight recorder.")
    families: dict[str, typer.Typer] = {}
    for name, verb in verbs.items():
        family, _, own_name = name.rpartition(" ")
        if family and family not in families:
            families[family] = _application(_FAMILIES[family])
            app.add_typer(families[family], name=family)
        raw = {"allow_extra_args": True, "ignore_unknown_options": True}
        settings = {**raw, "allow_interspersed_args": False} if name in stop_at_first else None
        known = families.get(family, app)
        known.command(own_name, context_settings=settings)(as_typer(verb))
    app(list(words), prog_name="ppm")
    raise SystemExit(0)


def _application(purpose: str) -> typer.Typer:
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    # With a callback, typer asks for the name of a command even where there is only one.
    app.callback(help=purpose)(lambda: None)
    return app


def as_typer(verb: FunctionType) -> Callable[..., None]:
    """The verb with a signature in typer's own words."""

    def call(**values: Any) -> None:
        verb(**values)

    parameters = [_typer_parameter(one) for one in parameters_of(verb)]
    call.__doc__ = verb.__doc__
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {one.name: one.annotation for one in parameters}
    return call


def _typer_parameter(one: Parameter) -> inspect.Parameter:
    declared = one.declared
    plain: Any = list[one.kind] if one.many else one.kind  # type: ignore[name-defined]
    if one.default is None:
        plain = plain | None
    if isinstance(declared, Option):
        minimum = declared.minimum
        info = typer.Option(*declared.names, help=declared.help, min=minimum)
    else:
        info = typer.Argument(metavar=declared.metavar, help=declared.help)
    return inspect.Parameter(
        one.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if one.default is REQUIRED else one.default,
        annotation=Annotated[plain, info],
    )
