"""Which distributions a script needs, told from what it imports."""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ppm.engine.errors import RequirementError
from ppm.engine.manifest.import_names import DISTRIBUTIONS, FORMER_STANDARD_LIBRARY, NAMESPACES
from ppm.engine.manifest.names import normalise_name

_HOLDERS = (ast.stmt, ast.excepthandler, ast.match_case)
"""What an import statement can stand in."""


class ScannedImport(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An imported module and the distribution that provides it.

    ``known`` is true where the table of names says so, false where the distribution is taken to be
    called like the module. ``distribution`` is ``""`` where not even that can be: the module is
    below a namespace that many distributions share.
    """

    module: str
    distribution: str
    known: bool


def scan_imports(source: bytes, path: Path) -> tuple[ScannedImport, ...]:
    """What a script imports from outside the standard library and its own folder.

    Imports anywhere in the script count, also those that a ``try`` guards; relative ones and those
    for type checkers alone do not. One entry for each distribution, in order of appearance.

    Args:
        source: The script.
        path: Where it lies; modules beside it are local.

    Raises:
        RequirementError: ``INVALID_SCRIPT``: it is not Python.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(source, filename=path.name)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise RequirementError(
            f"{path.name} cannot be read as Python: {error}",
            code="INVALID_SCRIPT",
            hint="name what it needs yourself: ppm import NAME…",
        ) from error
    found: dict[str, ScannedImport] = {}
    for module in _modules(tree):
        top = module.partition(".")[0]
        if top in sys.stdlib_module_names or top in FORMER_STANDARD_LIBRARY:
            continue
        if top == "__main__" or _is_local(top, path.parent):
            continue
        scanned = distribution_of(module)
        found.setdefault(scanned.distribution or module, scanned)
    return tuple(found.values())


def distribution_of(module: str) -> ScannedImport:
    """The distribution for a dotted module name: the longest known prefix, else its own name."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        prefix = ".".join(parts[:length])
        if prefix in DISTRIBUTIONS:
            return ScannedImport(module=module, distribution=DISTRIBUTIONS[prefix], known=True)
        pattern = NAMESPACES.get(prefix)
        if pattern is not None:
            return _below_namespace(module, parts[length:], pattern)
    return ScannedImport(module=module, distribution=normalise_name(parts[0]), known=False)


def _below_namespace(module: str, rest: list[str], pattern: str) -> ScannedImport:
    """In a namespace whose distributions are named regularly, the name; else none."""
    fits = bool(rest) and bool(pattern)
    name = normalise_name(pattern.format(rest[0])) if fits else ""
    return ScannedImport(module=module, distribution=name, known=False)


def _modules(tree: ast.Module) -> Iterator[str]:
    """Imported names in order; of ``from a import b`` both ``a.b``, for it may be a module.

    Without recursion: generated code nests deeper than Python's stack.
    """
    waiting: list[ast.AST] = [tree]
    while waiting:
        inner: list[ast.AST] = []
        match waiting.pop():
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(level=0, module=str(module), names=names):
                for alias in names:
                    yield module if alias.name == "*" else f"{module}.{alias.name}"
            case ast.If(test=test, body=body, orelse=orelse) if _only_for_types(test):
                inner = [*(body if isinstance(test, ast.UnaryOp) else orelse)]
            case node:
                inner = [
                    child for child in ast.iter_child_nodes(node) if isinstance(child, _HOLDERS)
                ]
        waiting += reversed(inner)


def _only_for_types(test: ast.expr) -> bool:
    """Whether a condition is ``TYPE_CHECKING`` or ``not TYPE_CHECKING``, however it is reached."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not isinstance(operand, ast.UnaryOp) and _only_for_types(operand)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name == "TYPE_CHECKING"
        case _:
            return False


def _is_local(top: str, folder: Path) -> bool:
    """Whether a module beside the script has this name (a folder counts if Python is in it)."""
    package = folder / top
    return (folder / f"{top}.py").is_file() or (package.is_dir() and any(package.glob("**/*.py")))
