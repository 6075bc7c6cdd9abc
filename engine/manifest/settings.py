"""``[tool.ppm]``: the settings of either manifest."""

from __future__ import annotations

from ppm.engine.errors import ProjectError
from ppm.engine.manifest.findings import Findings, Table
from ppm.engine.manifest.model import Backend, Preference, Settings
from ppm.engine.manifest.names import is_name, normalise_name
from ppm.engine.manifest.specifier import specifier_of

LINK_MODES = ("auto", "reflink", "hardlink", "copy")
SETTINGS = (
    "python",
    "link_mode",
    "index_url",
    "default_gpu",
    "backends",
    "ledger",
    "targets",
    "package",
)
PROJECT_KEYS = ("name", "dependencies", "dependency_groups", "optional_dependencies")
"""What stands in ``[tool.ppm]`` of a ``pypm.toml`` and in ``[project]`` of a ``pyproject.toml``."""

_ROOT = "tool.ppm"
_PREFERENCE = "_prefer"


def one_spelling(table: Table, findings: Findings) -> Table:
    """``[tool.ppm]`` with underscores in its keys; ``link-mode`` and ``link_mode`` are the same."""
    known: Table = {}
    for key, value in table.items():
        underscored = key.replace("-", "_")
        if underscored in known:
            findings.problem(f"{_ROOT}.{key}", "stands here twice, with a hyphen and an underscore")
        known[underscored] = value
    return known


def read_settings(table: Table, findings: Findings, *, project_keys: bool) -> Settings:
    """The settings in ``[tool.ppm]``.

    Args:
        table: The contents of ``[tool.ppm]`` as :func:`one_spelling` gives them.
        findings: Takes what is wrong and what is not known.
        project_keys: Whether the project's own keys stand in this table as well.
    """
    backends = findings.table(table.get("backends"), f"{_ROOT}.backends")
    ledger = findings.table(table.get("ledger"), f"{_ROOT}.ledger")
    _report_strangers(table, ledger, findings, project_keys=project_keys)
    return Settings(
        python=_specifier(table.get("python"), f"{_ROOT}.python", findings),
        link_mode=_link_mode(table.get("link_mode"), findings),
        index_url=findings.text(table.get("index_url"), f"{_ROOT}.index_url"),
        default_gpu=findings.text(table.get("default_gpu"), f"{_ROOT}.default_gpu"),
        backends=_backends(backends, findings),
        preferences=_preferences(table, backends, findings),
        package="package" not in table or findings.flag(table["package"], f"{_ROOT}.package"),
        ledger_shared=findings.flag(ledger.get("shared"), f"{_ROOT}.ledger.shared"),
        targets=_targets(table.get("targets"), findings),
    )


def _report_strangers(
    table: Table, ledger: Table, findings: Findings, *, project_keys: bool
) -> None:
    for key in table:
        if key in PROJECT_KEYS and not project_keys:
            findings.problem(f"{_ROOT}.{key}", "belongs outside [tool.ppm] in a pyproject.toml")
        elif key not in SETTINGS + PROJECT_KEYS and not key.endswith(_PREFERENCE):
            findings.unknown(_ROOT, key, SETTINGS + PROJECT_KEYS if project_keys else SETTINGS)
    for key in ledger:
        if key != "shared":
            findings.unknown(f"{_ROOT}.ledger", key, ("shared",))


def _specifier(value: object, path: str, findings: Findings) -> str:
    """A version wish (``^3.10``, ``2.4.*``) as a PEP 440 specifier, ``""`` for none."""
    wish = findings.text(value, path)
    if not isinstance(value, str):
        return ""
    try:
        return specifier_of(wish)
    except ValueError as error:
        findings.problem(path, str(error))
        return ""


def _link_mode(value: object, findings: Findings) -> str:
    mode = findings.text(value, f"{_ROOT}.link_mode")
    if mode and mode not in LINK_MODES:
        findings.problem(f"{_ROOT}.link_mode", f"must be one of {', '.join(LINK_MODES)}")
    return mode


def _targets(value: object, findings: Findings) -> tuple[str, ...]:
    """The names under their one spelling, each once."""
    targets: dict[str, None] = {}
    for place, item in enumerate(findings.array(value, f"{_ROOT}.targets")):
        from ppm.engine.targets import parse_target

        path = f"{_ROOT}.targets[{place}]"
        name = findings.text(item, path)
        try:
            if name:
                targets[parse_target(name).name] = None
        except ProjectError as error:
            findings.problem(path, f"{error.message}; {error.hint}")
    return tuple(targets)


def _backends(table: Table, findings: Findings) -> tuple[Backend, ...]:
    backends = []
    for name, value in table.items():
        if name.replace("-", "_").endswith(_PREFERENCE):
            continue
        path = f"{_ROOT}.backends.{name}"
        if not name.isascii() or not name.replace(".", "").replace("_", "").isalnum():
            findings.problem(path, "is no name: letters, digits, dots and underscores")
        if name != name.lower() or name == "auto":
            findings.problem(path, "must be in lower case and not be auto")
        backend = findings.table(value, path)
        for key in backend:
            if key != "index":
                findings.unknown(path, key, ("index",))
        if isinstance(value, dict) and "index" not in value:
            findings.problem(path, "has no index")
        backends.append(
            Backend(name=name, index=findings.text(backend.get("index"), f"{path}.index"))
        )
    return tuple(backends)


def _preferences(table: Table, backends: Table, findings: Findings) -> tuple[Preference, ...]:
    """``NAME_prefer`` keys.

    In TOML, keys written below ``[tool.ppm.backends]`` belong to that table even after an empty
    line, so they are read there too.
    """
    preferences: dict[str, Preference] = {}
    for root, keys in ((_ROOT, table), (f"{_ROOT}.backends", backends)):
        for key, value in keys.items():
            underscored = key.replace("-", "_")
            if not underscored.endswith(_PREFERENCE):
                continue
            name = normalise_name(underscored.removesuffix(_PREFERENCE))
            if not is_name(name):
                findings.problem(f"{root}.{key}", "names no package")
            elif name in preferences:
                findings.problem(f"{root}.{key}", f"{name} has another preference already")
            elif specifier := _specifier(value, f"{root}.{key}", findings):
                preferences[name] = Preference(name=name, specifier=specifier)
    return tuple(preferences.values())
