"""Source trees: what counts for their digest, and what is refused."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from ppm.engine.direct.tree import below, copy_tree, recipe_digest, tree_digest
from ppm.engine.errors import ArtifactError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    (folder / "src" / "maple").mkdir(parents=True)
    (folder / "src" / "maple" / "__init__.py").write_text("x = 1\n")
    (folder / "pyproject.toml").write_text("[project]\n")
    (folder / "src" / "link").symlink_to("maple")
    return folder


def test_what_is_no_source_does_not_count(tree: Path) -> None:
    before = tree_digest(tree)
    for name in (".git", ".venv", ".ppm", "src/__pycache__", "maple.egg-info", "env"):
        (tree / name).mkdir()
        (tree / name / "file").write_text("changes all the time")
    (tree / "env" / "pyvenv.cfg").write_text("home = /usr\n")
    (tree / "src" / "maple" / "old.pyc").write_bytes(b"code")
    os.utime(tree / "pyproject.toml", (1, 1))
    assert tree_digest(tree) == before


def test_content_names_modes_links_and_empty_folders_count(tree: Path) -> None:
    digests = [tree_digest(tree)]
    (tree / "src" / "maple" / "__init__.py").write_text("x = 2\n")
    digests.append(tree_digest(tree))
    (tree / "pyproject.toml").chmod(0o755)
    digests.append(tree_digest(tree))
    (tree / "empty").mkdir()
    digests.append(tree_digest(tree))
    (tree / "src" / "link").unlink()
    (tree / "src" / "link").symlink_to("../src")
    digests.append(tree_digest(tree))
    (tree / "pyproject.toml").rename(tree / "setup.cfg")
    digests.append(tree_digest(tree))
    assert len(set(digests)) == len(digests)


def test_a_copy_has_the_same_sources(tree: Path, tmp_path: Path) -> None:
    (tree / ".git").mkdir()
    copy_tree(tree, tmp_path / "copy")
    assert tree_digest(tmp_path / "copy") == tree_digest(tree)
    assert not (tmp_path / "copy" / ".git").exists()
    assert (tmp_path / "copy" / "src" / "link").readlink() == Path("maple")


@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside", "maple/../../../x"])
def test_links_that_lead_out_are_refused(tree: Path, tmp_path: Path, target: str) -> None:
    (tree / "src" / "way").symlink_to(target)
    for use in (lambda: tree_digest(tree), lambda: copy_tree(tree, tmp_path / "copy")):
        with pytest.raises(ArtifactError) as caught:
            use()
        assert caught.value.code == "SDIST_LINK"


def test_what_is_no_file_is_refused(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree)
    with socket.socket(socket.AF_UNIX) as endpoint:
        endpoint.bind("endpoint")
        with pytest.raises(ArtifactError) as caught:
            tree_digest(tree)
    assert caught.value.code == "SDIST_MEMBER"


def test_of_an_editable_tree_the_recipe_counts(tree: Path) -> None:
    before = recipe_digest(tree)
    (tree / "src" / "maple" / "__init__.py").write_text("x = 2\n")
    assert recipe_digest(tree) == before
    (tree / "setup.py").write_text("")
    assert recipe_digest(tree) != before


def test_a_subdirectory_stays_below(tree: Path, tmp_path: Path) -> None:
    assert below(tree, "src") == tree / "src"
    assert below(tree, "") == tree
    (tmp_path / "outside").mkdir()
    (tree / "way").symlink_to(tmp_path / "outside")
    for subdirectory in ("way", "gone", "pyproject.toml"):
        with pytest.raises(ArtifactError) as caught:
            below(tree, subdirectory)
        assert caught.value.code == "NO_SUBDIRECTORY"


def test_a_tree_that_is_not_there(tmp_path: Path) -> None:
    for digest in (tree_digest, recipe_digest):
        with pytest.raises(ArtifactError) as caught:
            digest(tmp_path / "gone")
        assert caught.value.code == "NO_SUCH_FOLDER"
