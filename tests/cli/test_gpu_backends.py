"""GPU backends through the real program: indexes for cpu, cu121 and cu122, and a plain one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from conftest import Program, PublishedIndex
from support.sdists import BACKEND, in_tree_sdist

from ppm.engine.environment.interpreter import current

BACKENDS = ("cpu", "cu121", "cu122")
PUBLIC = ("2.3.1", "2.4.0", "2.4.1")
LOGIN = "someone:s3cret"
UV = Path(sysconfig.get_path("scripts")) / "uv"


class Site:
    """The indexes, and a project that is configured for them."""

    def __init__(self, default: PublishedIndex, backends: dict[str, PublishedIndex]) -> None:
        self.default = default
        self.backends = backends

    def settings(self, *lines: str, login: str = "") -> str:
        """The tables of docs/cli.md, for these indexes."""
        urls = {name: index.url for name, index in self.backends.items()}
        if login:
            urls = {name: url.replace("//", f"//{login}@") for name, url in urls.items()}
        tables = [f'{name}.index = "{url}"' for name, url in urls.items()]
        return "\n".join(["[tool.ppm]", *lines, "", "[tool.ppm.backends]", *tables, ""])

    def asked(self, backend: str) -> list[str]:
        return [request.path for request in self.backends[backend].requests]

    def forget_requests(self) -> None:
        for index in (self.default, *self.backends.values()):
            index.requests.clear()

    def requests(self) -> int:
        return sum(len(index.requests) for index in (self.default, *self.backends.values()))


@pytest.fixture
def site(local_index: PublishedIndex, tmp_path: Path) -> Iterator[Site]:
    """torch 2.3.1 to 2.4.1 everywhere, 2.5.0 only on the plain index, which alone has helpers."""
    with ExitStack() as stack:
        backends = {}
        for name in BACKENDS:
            folder = tmp_path / f"index-{name}"
            folder.mkdir()
            backends[name] = stack.enter_context(PublishedIndex(folder))
            for version in PUBLIC:
                if (name, version) != ("cu122", "2.4.1"):
                    full = f"{version}+{name}"
                    backends[name].publish("torch", full, requires=["helper"])
        for version in (*PUBLIC, "2.5.0"):
            local_index.publish("torch", version, requires=["helper"])
        local_index.publish("helper", "1.0")
        yield Site(local_index, backends)


@pytest.fixture
def project(site: Site, ppm: Program, monkeypatch: pytest.MonkeyPatch) -> Program:
    """A fresh project with the three backends."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("PPM_GPU", raising=False)
    (ppm.directory / "pypm.toml").write_text(site.settings('name = "demo"'))
    ppm.ok("init")
    return ppm


@pytest.fixture(scope="session")
def here(tmp_path_factory: pytest.TempPathFactory) -> str:
    return current(tmp_path_factory.mktemp("home")).target.name


def locked(program: Program) -> dict[str, dict[str, str]]:
    document = json.loads((program.directory / ".ppm/lock.json").read_text())
    return {
        target: {name: package["version"] for name, package in packages.items()}
        for target, packages in document["targets"].items()
    }


def events(program: Program, word: str) -> list[dict[str, object]]:
    lines = (program.directory / ".ppm/ledger.jsonl").read_text().splitlines()
    found = (json.loads(line) for line in lines)
    return [event["data"] for event in found if event["type"] == word]


def test_only_what_the_backends_index_carries_comes_from_it(
    project: Program, site: Site, here: str
) -> None:
    project.ok("add", "torch==2.4.*", "--gpu", "cu121", "--lock")
    assert locked(project) == {f"{here}-cu121": {"helper": "1.0", "torch": "2.4.1+cu121"}}
    document = tomllib.loads((project.directory / "pylock.toml").read_text())
    places = {one["name"]: (one["version"], one["index"]) for one in document["packages"]}
    assert places == {
        "helper": ("1.0", site.default.url),
        "torch": ("2.4.1+cu121", site.backends["cu121"].url),
    }
    assert not any("torch" in request.path for request in site.default.requests)
    assert site.asked("cpu") == site.asked("cu122") == []
    assert events(project, "backend.chosen/1") == [
        {
            "backend": "cu121",
            "index": site.backends["cu121"].url,
            "asked": "cu121",
            "evidence": ["asked for cu121"],
        }
    ]
    assert "GPU backend cu121" in project.ok("provenance", "--last", "1")


def test_the_backend_stays_until_another_is_asked_for(project: Program, here: str) -> None:
    project.ok("add", "torch==2.4.*", "--gpu", "cu121", "--lock")
    project.ok("apply", "--frozen")
    before = (project.directory / "pylock.toml").read_bytes()
    project.ok("lock", "--check")
    assert json.loads(project.ok("lock", "--json"))["changes"] == []
    assert (project.directory / "pylock.toml").read_bytes() == before
    project.ok("lock", "--upgrade")
    assert locked(project).keys() == {f"{here}-cu121"}
    stale = project.run("lock", "--check", "--gpu", "cpu")
    assert "error[LOCK_STALE]" in stale.stderr
    answer = json.loads(project.ok("lock", "--gpu", "cpu", "--json"))
    assert answer["targets"] == {f"{here}-cpu": {"helper": "1.0", "torch": "2.4.1+cpu"}}
    plan = json.loads(project.ok("plan"))
    assert plan["target"] == f"{here}-cpu"
    assert [(one["name"], one["from"], one["to"]) for one in plan["changes"]] == [
        ("torch", "2.4.1+cu121", "2.4.1+cpu")
    ]
    project.ok("apply", "--frozen")
    assert [one["backend"] for one in events(project, "backend.chosen/1")] == ["cu121", "cpu"]
    project.ok("replay", "--check")


def test_another_backend_changes_the_local_version_alone_where_it_can(
    project: Program, here: str
) -> None:
    project.ok("add", "torch==2.4.0", "--gpu", "cu121", "--lock")
    project.ok("add", "torch", "--lock")
    assert locked(project)[f"{here}-cu121"]["torch"] == "2.4.0+cu121"
    project.ok("lock", "--gpu", "cpu")
    assert locked(project)[f"{here}-cpu"]["torch"] == "2.4.0+cpu"
    project.ok("lock", "--upgrade")
    assert locked(project)[f"{here}-cpu"]["torch"] == "2.4.1+cpu"
    project.ok("lock", "--gpu", "cu122")
    assert locked(project)[f"{here}-cu122"]["torch"] == "2.4.0+cu122"


def test_a_specifier_with_a_local_version_means_that_one(project: Program) -> None:
    refused = project.run("add", "torch==2.4.0+cpu", "--gpu", "cu121", "--lock")
    assert "error[NO_MATCHING_VERSION]" in refused.stderr
    project.ok("add", "torch==2.4.0+cpu", "--gpu", "cpu", "--lock")


def test_an_edited_lock_file_keeps_its_backend(project: Program, here: str) -> None:
    project.ok("add", "torch==2.4.*", "--gpu", "cu121", "--lock")
    pylock = project.directory / "pylock.toml"
    pylock.write_bytes(pylock.read_bytes() + b"# by hand\n")
    assert json.loads(project.ok("plan"))["target"] == f"{here}-cu121"
    project.ok("apply", "--frozen")
    assert locked(project) == {f"{here}-cu121": {"helper": "1.0", "torch": "2.4.1+cu121"}}
    assert events(project, "lock.adopted/1")


def test_without_a_backend_nothing_is_different(project: Program, site: Site, here: str) -> None:
    project.ok("add", "torch", "--lock")
    assert locked(project) == {here: {"helper": "1.0", "torch": "2.5.0"}}
    assert all(site.asked(name) == [] for name in BACKENDS)
    assert events(project, "backend.chosen/1") == []


@pytest.mark.parametrize("words", [("lock",), ("add", "torch", "--lock"), ("ensure", "torch")])
def test_an_unknown_backend_is_refused_with_those_there_are(
    project: Program, words: tuple[str, ...]
) -> None:
    refused = project.run(*words, "--gpu", "cu999")
    assert "error[UNKNOWN_BACKEND]: 'cu999'" in refused.stderr
    assert "cpu, cu121, cu122" in refused.stderr
    assert "torch" not in (project.directory / "pypm.toml").read_text()


def test_the_settings_choose_and_the_override_variable_is_evidence(
    project: Program, site: Site, here: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = site.settings('name = "demo"', 'default_gpu = "auto"', 'dependencies = ["torch"]')
    (project.directory / "pypm.toml").write_text(settings)
    monkeypatch.setenv("PPM_GPU", "cu122")
    assert json.loads(project.ok("plan"))["packages"]["torch"] == "2.4.0+cu122"
    project.ok("apply")
    assert locked(project).keys() == {f"{here}-cu122"}
    (chosen,) = events(project, "backend.chosen/1")
    assert (chosen["asked"], chosen["evidence"]) == ("auto", ["PPM_GPU=cu122"])
    monkeypatch.delenv("PPM_GPU")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert json.loads(project.ok("plan"))["plan"] == "noop"
    project.ok("lock", "--gpu", "auto")
    assert locked(project).keys() == {f"{here}-cpu"}
    assert "CUDA_VISIBLE_DEVICES" in str(events(project, "backend.chosen/1")[-1]["evidence"])
    project.ok("rollback", "--last")
    project.ok("replay", "--check")


def test_ensure_of_what_holds_asks_nobody_and_records_no_change(
    project: Program, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PPM_GPU", "cu121")
    project.ok("ensure", "torch==2.4.*", "--gpu", "auto")
    assert events(project, "backend.chosen/1")
    site.forget_requests()
    lock = (project.directory / ".ppm/lock.json").read_bytes()
    chosen = len(events(project, "backend.chosen/1"))
    project.ok("ensure", "torch==2.4.*", "--gpu", "auto")
    assert (site.requests(), len(events(project, "backend.chosen/1"))) == (0, chosen)
    assert (project.directory / ".ppm/lock.json").read_bytes() == lock
    project.ok("ensure", "torch", "--gpu", "cpu")
    assert '"torch==2.4.*"' in (project.directory / "pypm.toml").read_text()
    installed = project.ok("run", "python", "-c", "import torch; print(torch.__version__)")
    assert installed.strip() == "2.4.1+cpu"


def test_a_preference_is_given_up_before_anything_fails(
    project: Program, site: Site, here: str
) -> None:
    settings = site.settings('name = "demo"') + 'torch_prefer = "2.4.*"\nhelper_prefer = "3.*"\n'
    (project.directory / "pypm.toml").write_text(settings)
    answer = json.loads(project.ok("add", "torch", "--lock", "--json"))
    assert answer["lock"]["packages"] == {"helper": "1.0", "torch": "2.4.1"}
    assert len(answer["lock"]["warnings"]) == 1
    assert "preference helper==3.* given up" in answer["lock"]["warnings"][0]
    (released,) = events(project, "preference.released/1")
    assert released["requirement"] == "helper==3.*"
    project.ok("lock", "--check")
    project.ok("add", "torch>=2.5", "--lock")
    assert locked(project)[here]["torch"] == "2.5.0"


def test_logins_of_backends_reach_their_index_and_nothing_else(
    project: Program, site: Site
) -> None:
    settings = site.settings('name = "demo"', login=LOGIN)
    (project.directory / "pypm.toml").write_text(settings)
    project.ok("add", "torch==2.4.*", "--gpu", "cu121", "--lock")
    project.ok("apply")
    own = site.backends["cu121"].requests
    assert own
    assert [one.path for one in own if "authorization" not in one.headers] == []
    assert not any("authorization" in request.headers for request in site.default.requests)
    files = [project.directory / "pylock.toml", *(project.directory / ".ppm").glob("*.json*")]
    assert not any(b"s3cret" in file.read_bytes() for file in files)


def test_a_backends_index_that_fails_lets_no_other_index_answer(
    project: Program, site: Site
) -> None:
    from local_index import Fault

    for status in (401, 403, 500):
        site.backends["cu121"].break_path(Fault(path="*/torch/*", status=status))
        refused = project.run("add", "torch", "--gpu", "cu121", "--lock")
        assert "error[INDEX_" in refused.stderr, refused.stderr
        site.backends["cu121"].faults.clear()
    assert not any("torch" in request.path for request in site.default.requests)


def test_other_machines_name_their_backend(project: Program, here: str) -> None:
    project.ok("add", "torch==2.4.*")
    windows = "windows-x86_64-py3.12-cu121"
    project.ok("lock", "--target", windows, "--target", "here", "--gpu", "cu121")
    assert {name: one["torch"] for name, one in locked(project).items()} == {
        windows: "2.4.1+cu121",
        f"{here}-cu121": "2.4.1+cu121",
    }
    refused = project.run("lock", "--target", "windows-x86_64-py3.12-cu999")
    assert "error[UNKNOWN_BACKEND]" in refused.stderr
    both = project.run("lock", "--target", f"{here}-cpu", "--target", f"{here}-cu121")
    assert "error[TARGETS_ALIKE]" in both.stderr


def test_a_static_store_may_forbid_what_it_does_not_list(
    project: Program, site: Site, here: str
) -> None:
    from local_index import Fault

    site.backends["cu121"].break_path(Fault(path="*/helper/*", status=403))
    project.ok("add", "torch==2.4.*", "--gpu", "cu121", "--lock")
    assert locked(project)[f"{here}-cu121"] == {"helper": "1.0", "torch": "2.4.1+cu121"}


def test_a_backends_index_may_be_a_folder_of_the_project(
    project: Program, site: Site, here: str
) -> None:
    wheels = project.directory / "wheels"
    wheels.mkdir()
    for wheel in site.backends["cpu"].folder.glob("torch-2.4.1*.whl"):
        (wheels / wheel.name).write_bytes(wheel.read_bytes())
    manifest = project.directory / "pypm.toml"
    manifest.write_text('[tool.ppm]\ndefault_gpu = "own"\nbackends.own.index = "wheels"\n')
    project.ok("ensure", "torch")
    assert locked(project) == {f"{here}-own": {"helper": "1.0", "torch": "2.4.1+cpu"}}
    told = project.run("add", "torch", "--gpu", "own").stderr
    assert "--gpu counts when the lock is made" in told


def test_going_back_takes_the_backend_along(project: Program, here: str) -> None:
    project.ok("add", "torch==2.4.*", "--gpu", "cu121", "--lock")
    project.ok("apply")
    project.ok("lock", "--gpu", "cpu")
    project.ok("apply")
    project.ok("undo")
    project.ok("undo")
    assert locked(project).keys() == {f"{here}-cu121"}
    assert json.loads(project.ok("plan"))["plan"] == "noop"
    project.ok("redo")
    assert locked(project).keys() == {f"{here}-cpu"}
    project.ok("replay", "--check")


def test_a_lock_for_another_backend_does_not_answer_when_its_settings_are_gone(
    project: Program, here: str
) -> None:
    project.ok("add", "torch==2.4.*", "--gpu", "cu121", "--lock")
    manifest = project.directory / "pypm.toml"
    manifest.write_text('[tool.ppm]\nname = "demo"\ndependencies = ["torch==2.4.*"]\n')
    assert "error[LOCK_STALE]" in project.run("apply", "--frozen").stderr
    project.ok("apply")
    assert locked(project) == {here: {"helper": "1.0", "torch": "2.4.1"}}


def test_what_is_built_against_one_backend_is_built_anew_for_another(
    project: Program, site: Site
) -> None:
    torch = 'import torch\nPath("src/ext/torch.py").write_text(f"built = {torch.__version__!r}")\n'
    in_tree_sdist(site.default.folder, "ext", "1.0", backend=BACKEND + torch, requires=["torch"])
    site.default.refresh()
    show = ("run", "python", "-c", "import ext.torch; print(ext.torch.built)")
    for backend, version in (("cu122", "2.4.0+cu122"), ("cpu", "2.4.1+cpu")):
        project.ok("ensure", "ext", "--gpu", backend)
        assert project.ok(*show).strip() == version


@pytest.mark.skipif(not UV.exists(), reason="uv is not installed beside this Python")
def test_uv_installs_the_local_version_of_the_lock(project: Program, tmp_path: Path) -> None:
    project.ok("add", "torch==2.4.*", "--gpu", "cu121", "--lock")
    venv = tmp_path / "venv"
    environment = {**os.environ, "UV_CACHE_DIR": str(tmp_path / "cache"), "UV_NO_CONFIG": "1"}
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    subprocess.run(
        [UV, "pip", "install", "-q", "-r", "pylock.toml", "--python", venv / "bin/python"],
        cwd=project.directory,
        env=environment,
        check=True,
    )
    show = [str(venv / "bin/python"), "-c", "import torch; print(torch.__version__)"]
    shown = subprocess.run(show, capture_output=True, text=True, check=True)
    assert shown.stdout == "2.4.1+cu121\n"
