"""A plain command line, read by a verb's signature without loading an argument parser.

Only what is beyond doubt is read here. Anything else (``--help``, an unknown or abbreviated option,
a missing value, joined short options) gives ``None``, and typer explains it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import FunctionType
from typing import Any, get_args, get_origin, get_type_hints

from ppm.commands.options import Argument, Option

REQUIRED = object()
"""The default of a parameter that has none."""


class Parameter:
    """A parameter of a verb: its plain type, its declaration and its default.

    ``many`` parameters collect every value. A parameter without default has to be given.
    """

    __slots__ = ("declared", "default", "kind", "many", "name")

    def __init__(
        self, name: str, kind: type, declared: Option | Argument, *, many: bool, default: Any
    ) -> None:
        self.name = name
        self.kind = kind
        self.declared = declared
        self.many = many
        self.default = default


class Doubt(Exception):  # noqa: N818 - a reason to ask typer, no error
    """The command line is not plain."""


def parameters_of(verb: FunctionType) -> list[Parameter]:
    """The declared parameters of a verb, in the order of its signature.

    Read from the function itself: ``inspect.signature`` says the same, and loading it takes as long
    as a third of everything else that ``ppm version`` does.
    """
    hints = get_type_hints(verb, include_extras=True)
    verb = getattr(verb, "__wrapped__", verb)
    code, positional = verb.__code__, verb.__defaults__ or ()
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    with_default = names[code.co_argcount - len(positional) : code.co_argcount]
    defaults = dict(zip(with_default, positional, strict=True)) | (verb.__kwdefaults__ or {})
    return [_parameter(name, hints[name], defaults.get(name, REQUIRED)) for name in names]


def _parameter(name: str, hint: Any, default: Any) -> Parameter:
    plain, declared = get_args(hint)
    choices = [kind for kind in get_args(plain) if kind is not type(None)]
    if get_origin(plain) is not list and choices:
        plain = choices[0]
    many = get_origin(plain) is list
    kind = get_args(plain)[0] if many else plain
    return Parameter(name, kind, declared, many=many, default=default)


def parse(
    verb: FunctionType, words: Sequence[str], *, stop_at_first: bool
) -> dict[str, Any] | None:
    """The keyword arguments that ``words`` mean, or None where typer has to look.

    Args:
        verb: Declares its parameters.
        words: The command line after the verb.
        stop_at_first: Whether the first positional word ends the options, as for ``ppm run``.
    """
    try:
        return _Reading(parameters_of(verb)).read(list(words), stop_at_first=stop_at_first)
    except Doubt:
        return None


class _Reading:
    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self._options = {
            name: parameter
            for parameter in parameters
            if isinstance(parameter.declared, Option)
            for name in parameter.declared.names
        }
        self._positional = [one for one in parameters if isinstance(one.declared, Argument)]
        self._parameters = parameters
        self._values: dict[str, Any] = {}

    def read(self, words: list[str], *, stop_at_first: bool) -> dict[str, Any]:
        rest: list[str] = []
        while words:
            word = words.pop(0)
            if word == "--":
                rest += words
                break
            if word.startswith("-") and word != "-":
                self._option(word, words)
                continue
            rest.append(word)
            if stop_at_first:
                rest += words
                break
        self._arguments(rest)
        return {one.name: self._value_of(one) for one in self._parameters}

    def _option(self, word: str, words: list[str]) -> None:
        name, joined, value = word.partition("=")
        parameter = self._options.get(name)
        if parameter is None:
            raise Doubt
        if parameter.kind is bool:
            if joined:
                raise Doubt
            self._values[parameter.name] = True
            return
        if not joined:
            if not words or words[0].startswith("-"):
                raise Doubt
            value = words.pop(0)
        self._keep(parameter, value)

    def _arguments(self, rest: list[str]) -> None:
        for parameter in self._positional:
            taken, rest = (rest, []) if parameter.many else (rest[:1], rest[1:])
            for value in taken:
                self._keep(parameter, value)
        if rest:
            raise Doubt

    def _keep(self, parameter: Parameter, text: str) -> None:
        value = _convert(parameter, text)
        if parameter.many:
            self._values.setdefault(parameter.name, []).append(value)
        else:
            self._values[parameter.name] = value

    def _value_of(self, parameter: Parameter) -> Any:
        if parameter.name in self._values:
            return self._values[parameter.name]
        if parameter.default is REQUIRED:
            raise Doubt
        return parameter.default


def _convert(parameter: Parameter, text: str) -> str | int | Path:
    if parameter.kind is Path:
        return Path(text)
    if parameter.kind is not int:
        return text
    declared = parameter.declared
    if not text.isascii() or not text.isdigit():
        raise Doubt
    least = declared.minimum if isinstance(declared, Option) else None
    if least is not None and int(text) < least:
        raise Doubt
    return int(text)
