from __future__ import annotations

from pathlib import Path

from packaging.requirements import Requirement

from ppm.engine.manifest.groups import expand_group
from ppm.engine.manifest.model import Manifest
from ppm.engine.manifest.read import parse_manifest


def manifest(text: str) -> Manifest:
    head = '[project]\nname = "tin-can"\nversion = "1"\n'
    return parse_manifest(
        (head + text).encode(), file_name="pyproject.toml", directory=Path("/folder")
    )


def test_includes_expand_in_place_and_repeat() -> None:
    read = manifest(
        '[dependency-groups]\nlint = ["ruff"]\n'
        'dev = ["a", {include-group = "lint"}, "b", {include-group = "Lint"}]\n'
    )
    assert expand_group(read, "dev") == ("a", "ruff", "b", "ruff")
    assert expand_group(read, "lint") == ("ruff",)
    assert expand_group(read, "nowhere") == ()


def test_references_to_own_extras_expand_without_the_network() -> None:
    read = manifest(
        '[project.optional-dependencies]\nweb = ["flask", "x; os_name == \'nt\'"]\n'
        'db = ["psycopg"]\nall = ["tin-can[web,db]", "Tin_Can[all]"]\n'
        '[dependency-groups]\ndev = ["tin.can[web]; python_version < \'4\'", "pytest"]\n'
    )
    assert expand_group(read, "extra:all") == ("psycopg", "flask", "x; os_name == 'nt'")
    expanded = [str(Requirement(text)) for text in expand_group(read, "dev")]
    assert expanded == [
        'flask; python_version < "4"',
        'x; os_name == "nt" and python_version < "4"',
        "pytest",
    ]


def test_a_marker_with_or_stays_together_below_another_marker() -> None:
    read = manifest(
        "[project.optional-dependencies]\nweb = [\"x; os_name == 'nt' or os_name == 'posix'\"]\n"
        "all = [\"tin-can[web]; python_version < '3'\"]\n"
    )
    (text,) = expand_group(read, "extra:all")
    marker = Requirement(text).marker
    assert marker is not None
    assert not marker.evaluate({"os_name": "nt", "python_version": "3.11"})
    assert marker.evaluate({"os_name": "nt", "python_version": "2.7"})


def test_an_extra_that_is_not_declared_stays_as_it_is() -> None:
    read = manifest('dependencies = ["tin-can[socks]", "tin-can"]\n')
    assert expand_group(read, "") == ("tin-can[socks]", "tin-can")
