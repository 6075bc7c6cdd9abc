"""Which index pip is configured with: its environment variables and configuration files.

The order is pip's own: the system's files, the user's, the environment's, ``PIP_CONFIG_FILE``, each
overriding those before; ``[install]`` before ``[global]`` whatever the file; variables before all.
``PPM_INDEX_URL`` stands above everything. Nothing configured means pip's built-in index.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from configparser import Error as ConfigurationError
from configparser import RawConfigParser
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

import msgspec

from ppm.engine.errors import IndexFailure
from ppm.engine.index.credentials import Credentials
from ppm.engine.index.urls import index_base
from ppm.engine.redact import redact_text

_BASENAME = "pip.ini" if sys.platform == "win32" else "pip.conf"
_SYSTEM_FOLDER = Path("/etc")
_SECTIONS = ("install", "global")


class IndexSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What pip's configuration says about indexes.

    ``index_url`` ends in ``/`` and holds no login; a folder is a ``file:`` URL. ``ca_file`` are the
    certificates to trust, ``None`` for the system's. ``extra_index_urls`` and ``find_links`` are
    not used, only told, without logins, so that a hint can say how to declare them.
    ``credentials`` know the index URL's login and netrc.
    """

    index_url: str
    ca_file: str | None
    extra_index_urls: tuple[str, ...]
    find_links: tuple[str, ...]
    credentials: Credentials


def read_index_settings(
    environ: Mapping[str, str] | None = None, *, prefix: Path | None = None
) -> IndexSettings:
    """Read pip's configuration.

    Args:
        environ: The environment; this process's by default.
        prefix: The environment whose ``pip.conf`` counts; the running one by default.

    Raises:
        IndexFailure: ``INVALID_PIP_CONFIG``: a file that pip would refuse too.
    """
    environ = os.environ if environ is None else environ
    values = _Values(environ, _configuration_files(environ, prefix or Path(sys.prefix)))
    configured = environ.get("PPM_INDEX_URL") or values.get("index-url") or _built_in_index()
    base = index_base(configured)
    ca_file = (
        values.get("cert") or environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE")
    )
    return IndexSettings(
        index_url=base,
        ca_file=ca_file or None,
        extra_index_urls=tuple(map(index_base, values.get("extra-index-url").split())),
        find_links=tuple(map(redact_text, values.get("find-links").split())),
        credentials=Credentials.from_environment(
            [configured if "://" in configured else base], environ
        ),
    )


class _Values:
    """Configuration keys after all overriding, by section."""

    def __init__(self, environ: Mapping[str, str], files: Iterator[Path]) -> None:
        self._environ = environ
        self._by_section: dict[str, dict[str, str]] = {section: {} for section in _SECTIONS}
        for file in files:
            parser = _parse(file)
            for section in _SECTIONS:
                if parser.has_section(section):
                    self._by_section[section].update(parser.items(section))

    def get(self, key: str) -> str:
        """The value that counts; empty values count for nothing, as in pip."""
        variable = "PIP_" + key.replace("-", "_").upper()
        from_files = (self._by_section[section].get(key, "") for section in _SECTIONS)
        return next(filter(None, (self._environ.get(variable, ""), *from_files)), "").strip()


class _Parser(RawConfigParser):
    def optionxform(self, optionstr: str) -> str:
        return optionstr.lower().replace("_", "-").removeprefix("--")


def _parse(file: Path) -> RawConfigParser:
    parser = _Parser()
    try:
        parser.read(file, encoding="utf-8")
    except (ConfigurationError, UnicodeDecodeError) as error:
        # The parser's own words quote the line, which may hold a password.
        line = getattr(error, "lineno", None)
        raise IndexFailure(
            f"{file} cannot be read as pip's configuration" + (f" (line {line})" if line else ""),
            code="INVALID_PIP_CONFIG",
            hint="correct the file, or set PPM_INDEX_URL and PIP_CONFIG_FILE=" + os.devnull,
        ) from error
    return parser


def _configuration_files(environ: Mapping[str, str], prefix: Path) -> Iterator[Path]:
    named = environ.get("PIP_CONFIG_FILE", "")
    if named == os.devnull:
        return
    home = Path(environ.get("HOME") or Path.home())
    for folder in _system_folders(environ):
        yield folder / _BASENAME
    if not (named and Path(named).exists()):
        yield from (folder / _BASENAME for folder in _user_folders(environ, home))
    yield prefix / _BASENAME
    if named:
        yield Path(named)


def _system_folders(environ: Mapping[str, str]) -> list[Path]:
    if sys.platform == "win32":
        return [Path(environ.get("PROGRAMDATA", "C:\\ProgramData")) / "pip"]
    if sys.platform == "darwin":
        return [Path("/Library/Application Support/pip")]
    listed = environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    return [*(Path(folder) / "pip" for folder in listed.split(":") if folder), _SYSTEM_FOLDER]


def _user_folders(environ: Mapping[str, str], home: Path) -> list[Path]:
    if sys.platform == "win32":
        roaming = environ.get("APPDATA")
        return [home / "pip", Path(roaming) / "pip" if roaming else home / "AppData/Roaming/pip"]
    if sys.platform == "darwin":
        library = home / "Library/Application Support/pip"
        return [home / ".pip", library if library.is_dir() else home / ".config/pip"]
    configured = environ.get("XDG_CONFIG_HOME", "").strip()
    return [home / ".pip", (Path(configured) if configured else home / ".config") / "pip"]


def _built_in_index() -> str:
    """The index pip asks when nobody configured one.

    Its module is loaded by its path: importing it as a part of pip would load half of pip first,
    and this stands on the way of every warm command.
    """
    pip = find_spec("pip")
    folders = pip.submodule_search_locations if pip is not None else None
    for folder in folders or ():
        spec = spec_from_file_location("_pip_index", Path(folder, "_internal/models/index.py"))
        if spec is not None and spec.loader is not None:
            module = module_from_spec(spec)
            spec.loader.exec_module(module)
            return str(module.PyPI.simple_url)
    raise IndexFailure(
        "no index is configured and pip is not installed beside ppm",
        code="NO_INDEX",
        hint="set PPM_INDEX_URL, or install pip into ppm's environment",
    )
