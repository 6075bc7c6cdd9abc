"""The options that may stand in a requirements file, and what they come to."""

from __future__ import annotations

import re
import shlex
from optparse import Option, OptionParser, Values
from typing import NoReturn

import msgspec

from ppm.engine.manifest.names import normalise_name

_HASH = re.compile(r"(sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})\Z")
ALL, NONE = ":all:", ":none:"


class RequirementsOptions(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a requirements file says of where and how to look.

    URLs may hold credentials. ``find_links`` are URLs or absolute paths. ``no_binary`` and
    ``only_binary`` hold normalised names or ``:all:``.
    """

    index_url: str = ""
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    pre: bool = False
    prefer_binary: bool = False
    require_hashes: bool = False
    no_binary: tuple[str, ...] = ()
    only_binary: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        """The options that the file gives, as it writes them, without their values."""
        given = (field for field, value in msgspec.structs.asdict(self).items() if value)
        return tuple(f"--{field.replace('_urls', '_url').replace('_', '-')}" for field in given)


class LineError(ValueError):
    """A line that does not parse. The words never quote it: a variable in it may be a secret."""


class _Parser(OptionParser):
    def error(self, msg: str) -> NoReturn:
        raise LineError(msg)


def _record_format(option: Option, _opt: str, value: str, parser: OptionParser) -> None:
    """Keep ``--no-binary`` and ``--only-binary`` in their order: the later one wins."""
    assert parser.values is not None  # noqa: S101 - set by optparse while it calls back
    parser.values.formats = [*(parser.values.formats or ()), (option.dest, value)]


def _build_parser() -> _Parser:
    parser = _Parser(add_help_option=False)
    parser.add_option("-i", "--index-url", "--pypi-url", dest="index_url")
    for names, destination in (
        (("--extra-index-url",), "extra_index_urls"),
        (("-r", "--requirement"), "requirements"),
        (("-c", "--constraint"), "constraints"),
        (("-e", "--editable"), "editables"),
        (("-f", "--find-links"), "find_links"),
        (("--hash",), "hashes"),
        (("--trusted-host",), "trusted_host"),
        (("--use-feature",), "use_feature"),
        (("--all-releases",), "all_releases"),
        (("--only-final",), "only_final"),
        (("-C", "--config-settings"), "config_settings"),
    ):
        parser.add_option(*names, dest=destination, action="append", default=None)
    for flag in ("no-index", "pre", "prefer-binary", "require-hashes", "no-require-hashes"):
        parser.add_option(f"--{flag}", dest=flag.replace("-", "_"), action="store_true")
    for name in ("no_binary", "only_binary"):
        parser.add_option(
            f"--{name.replace('_', '-')}",
            dest=name,
            type="string",
            action="callback",
            callback=_record_format,
        )
    parser.set_defaults(formats=None)
    return parser


_PARSER = _build_parser()
IGNORED = ("trusted_host", "use_feature", "all_releases", "only_final", "config_settings")
"""What pip honours and PPM does not: reported, never dropped silently."""


def split_line(text: str) -> tuple[str, Values]:
    """The requirement at the beginning of a line (may be ``""``) and the options after it.

    Only options are unquoted as in a shell: quotes belong to the markers of a requirement.

    Raises:
        LineError: The options do not parse.
    """
    tokens = text.split(" ")
    place = next((i for i, token in enumerate(tokens) if token.startswith("-")), len(tokens))
    try:
        arguments = shlex.split(" ".join(tokens[place:]))
    except ValueError as error:
        raise LineError(str(error)) from error
    values, rest = _PARSER.parse_args(arguments)
    if rest:
        raise LineError("has text after its options")
    return " ".join(tokens[:place]).strip(), values


def check_hash(text: str) -> str:
    """A ``--hash`` value, ``algorithm:hexadecimal`` with an algorithm that is still secure.

    Raises:
        LineError: It is something else.
    """
    lowered = text.lower()
    if not _HASH.match(lowered):
        raise LineError("--hash must be sha256:, sha384: or sha512: and a hexadecimal digest")
    return lowered


class OptionsBuilder:
    """Options gathered line by line over all files."""

    def __init__(self) -> None:
        self._index_url = ""
        self._extra_index_urls: list[str] = []
        self._find_links: list[str] = []
        self._flags: set[str] = set()
        self._formats: dict[str, dict[str, None]] = {"no_binary": {}, "only_binary": {}}

    def add(self, values: Values, find_links: list[str]) -> None:
        """Take in the options of a line that holds no requirement; ``find_links`` made absolute."""
        if values.no_index:
            self._index_url, self._extra_index_urls = "", []
            self._flags.add("no_index")
        if "no_index" not in self._flags:
            self._index_url = values.index_url or self._index_url
            self._extra_index_urls += values.extra_index_urls or ()
        self._find_links += find_links
        self._flags |= {
            flag for flag in ("pre", "prefer_binary", "require_hashes") if getattr(values, flag)
        }
        if values.no_require_hashes:
            self._flags.discard("require_hashes")
        for kind, names in values.formats or ():
            self._add_format(kind, names)

    def _add_format(self, kind: str, names: str) -> None:
        """``:all:`` empties both lists, ``:none:`` its own; a name leaves the other list."""
        target = self._formats[kind]
        other = self._formats["only_binary" if kind == "no_binary" else "no_binary"]
        pending = [name.strip() for name in names.split(",") if name.strip()]
        if ALL in pending:
            last = len(pending) - pending[::-1].index(ALL)
            target.clear()
            other.clear()
            target[ALL] = None
            pending = pending[last:] if NONE in pending[last:] else []
        for name in pending:
            if name == NONE:
                target.clear()
                continue
            target[normalise_name(name)] = None
            other.pop(normalise_name(name), None)

    def build(self) -> RequirementsOptions:
        """All options so far."""
        return RequirementsOptions(
            index_url=self._index_url,
            extra_index_urls=tuple(self._extra_index_urls),
            find_links=tuple(self._find_links),
            no_index="no_index" in self._flags,
            pre="pre" in self._flags,
            prefer_binary="prefer_binary" in self._flags,
            require_hashes="require_hashes" in self._flags,
            no_binary=tuple(self._formats["no_binary"]),
            only_binary=tuple(self._formats["only_binary"]),
        )
