"""``ppm tree``: who brings whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ppm.commands.options import JsonOption, ProjectOption, QuietOption, VerboseOption
from ppm.commands.output import Console
from ppm.commands.session import asking
from ppm.commands.showing import TargetOption, shown_target
from ppm.engine.errors import ProjectError
from ppm.engine.manifest.names import requirement_name
from ppm.engine.plain import clean_line
from ppm.projections.lock import LockedPackage
from ppm.projections.project import Project

_BRANCH, _LAST, _BAR, _SPACE = "├── ", "└── ", "│   ", "    "


def tree(
    *,
    target: TargetOption = "",
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """Show the locked packages as a tree from what the project asks for."""
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    with asking("tree", project) as question:
        known = question.project()
        if not known.lock.targets:
            raise ProjectError("nothing is locked", code="NO_LOCK", hint="run `ppm lock`")
        shown = shown_target(known.lock, target, question.paths, console)
        packages = known.lock.targets[shown]
        console.answer(_document(known, shown, packages))
        for line in _lines(known, packages):
            console.say(clean_line(line))


def _roots(known: Project, packages: Mapping[str, LockedPackage]) -> dict[str, dict[str, str]]:
    """Each group's requirements that are locked: text to name."""
    return {
        group: {text: name for text, name in sorted(texts.items()) if name in packages}
        for group, texts in sorted(known.state.requirements.items())
    }


def _children(package: LockedPackage, packages: Mapping[str, LockedPackage]) -> list[str]:
    """Names of what a package needs, without itself, each once."""
    names = (requirement_name(text) or "" for text in package.dependencies)
    return [name for name in dict.fromkeys(names) if name in packages and name != package.name]


def _lines(known: Project, packages: Mapping[str, LockedPackage]) -> Iterator[str]:
    shown: set[str] = set()
    for group, texts in _roots(known, packages).items():
        if group:
            yield f"[{group}]"
        for text, name in texts.items():
            yield f"{name} {packages[name].version}  ({text})"
            yield from _below(name, packages, shown, "")


def _below(
    name: str, packages: Mapping[str, LockedPackage], shown: set[str], indent: str
) -> Iterator[str]:
    if name in shown:
        return
    shown.add(name)
    children = _children(packages[name], packages)
    for position, child in enumerate(children, start=1):
        last = position == len(children)
        again = " (above)" if child in shown and _children(packages[child], packages) else ""
        yield f"{indent}{_LAST if last else _BRANCH}{child} {packages[child].version}{again}"
        yield from _below(child, packages, shown, indent + (_SPACE if last else _BAR))


def _document(
    known: Project, target: str, packages: Mapping[str, LockedPackage]
) -> dict[str, object]:
    return {
        "target": target,
        "roots": [
            {"group": group, "requirement": text, "name": name}
            for group, texts in _roots(known, packages).items()
            for text, name in texts.items()
        ],
        "packages": {
            name: {
                "version": package.version,
                "dependencies": _children(package, packages),
                "groups": list(package.groups),
            }
            for name, package in sorted(packages.items())
        },
    }
