from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from support.wheels import build_wheel

from ppm.engine.errors import RequirementError
from ppm.engine.manifest.requirements_options import RequirementsOptions
from ppm.engine.manifest.requirements_txt import RequirementsFile, read_requirements_file

SHA256 = "sha256:" + "ab" * 32
SHA512 = "sha512:" + "cd" * 64


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "project"
    path.mkdir()
    return path


def read(folder: Path, text: str | bytes, **environment: str) -> RequirementsFile:
    path = folder / "requirements.txt"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_requirements_file(path, environment=environment, directory=folder)


def texts(file: RequirementsFile) -> list[str]:
    return [one.requirement for one in file.requirements]


def problems(folder: Path, text: str, **environment: str) -> list[str]:
    with pytest.raises(RequirementError) as caught:
        read(folder, text, **environment)
    assert caught.value.code == "INVALID_REQUIREMENTS_FILE"
    return [line.strip() for line in caught.value.message.splitlines()[1:]]


def test_comments_continuations_and_markers_are_read_as_pip_reads_them(folder: Path) -> None:
    file = read(
        folder,
        "# head\n\nrequests[socks] >= 2, < 3 # why\n"
        "a==1; python_version < '3' and \\\n   os_name == 'nt'\n"
        "b \\\n# a comment ends the joining\n"
        "c @ https://index.example/c-1.zip#sha1=00\n",
    )
    assert [(one.name, one.requirement, one.source) for one in file.requirements] == [
        ("requests", "requests[socks] >= 2, < 3", "requirements.txt:3"),
        ("a", "a==1; python_version < '3' and    os_name == 'nt'", "requirements.txt:4"),
        ("b", "b", "requirements.txt:6"),
        ("c", "c @ https://index.example/c-1.zip#sha1=00", "requirements.txt:8"),
    ]
    assert file.unsupported == ()


def test_hashes_stay_with_their_requirement(folder: Path) -> None:
    file = read(folder, f"a==1 \\\n  --hash={SHA256} \\\n  --hash {SHA512.upper()}\nb==2\n")
    assert [one.hashes for one in file.requirements] == [(SHA256, SHA512), ()]
    words = "--hash must be sha256:, sha384: or sha512: and a hexadecimal digest"
    assert problems(folder, "a==1 --hash=md5:00\nb --hash=sha256:zz") == [
        f"requirements.txt:1: a==1 --hash=md5:00: {words}",
        f"requirements.txt:2: b --hash=sha256:zz: {words}",
    ]


def test_options_are_gathered_over_all_lines(folder: Path) -> None:
    (folder / "wheels").mkdir()
    file = read(
        folder,
        "-i https://one.example/simple\n--index-url=https://two.example/simple\n"
        "--extra-index-url https://three.example/simple\n"
        "--find-links wheels\n-f https://index.example/links.html\n"
        "--no-binary A_b,c\n--only-binary c\n--pre\n--prefer-binary\n--require-hashes\n",
    )
    assert file.options == RequirementsOptions(
        index_url="https://two.example/simple",
        extra_index_urls=("https://three.example/simple",),
        find_links=(str(folder / "wheels"), "https://index.example/links.html"),
        pre=True,
        prefer_binary=True,
        require_hashes=True,
        no_binary=("a-b",),
        only_binary=("c",),
    )


@pytest.mark.parametrize(
    ("text", "no_binary", "only_binary"),
    [
        ("--no-binary :all:\n--only-binary a", (":all:",), ("a",)),
        ("--only-binary :all:\n--no-binary a\n", ("a",), (":all:",)),
        ("--no-binary a,b\n--no-binary :none:\n", (), ()),
        ("--no-binary :all:,:none:,x --only-binary y", ("x",), ("y",)),
        ("--no-binary a --only-binary :all:", (), (":all:",)),
        ("--no-index\n--extra-index-url https://index.example", (), ()),
    ],
)
def test_format_control_is_that_of_pip(
    folder: Path, text: str, no_binary: tuple[str, ...], only_binary: tuple[str, ...]
) -> None:
    options = read(folder, text).options
    assert (options.no_binary, options.only_binary) == (no_binary, only_binary)
    assert options.extra_index_urls == ()


def test_included_files_are_found_beside_the_one_that_includes_them(folder: Path) -> None:
    (folder / "more").mkdir()
    (folder / "more" / "base.txt").write_text("b\n-r ../deep.txt\n-c limits.txt\n")
    (folder / "more" / "limits.txt").write_text("c<2\n")
    (folder / "deep.txt").write_text("d\n")
    file = read(folder, "a\n-r more/base.txt\n--requirement=deep.txt\n")
    assert [(one.requirement, one.source) for one in file.requirements] == [
        ("a", "requirements.txt:1"),
        ("b", "base.txt:1"),
        ("d", "deep.txt:1"),
        ("d", "deep.txt:1"),
    ]
    assert [one.requirement for one in file.constraints] == ["c<2"]


def test_cycles_and_missing_files_are_problems(folder: Path) -> None:
    (folder / "other.txt").write_text("-r requirements.txt\n")
    assert problems(folder, "-r other.txt\n-c nowhere.txt\n") == [
        "other.txt: includes itself: requirements.txt -> other.txt -> requirements.txt",
        f"{folder / 'nowhere.txt'}: cannot be read: No such file or directory",
    ]


def test_constraints_may_have_neither_extras_nor_be_editable(folder: Path) -> None:
    (folder / "limits.txt").write_text("a[x]<2\n-e .\n")
    assert problems(folder, "-c limits.txt") == [
        "limits.txt:1: a[x]<2: a constraint cannot have extras",
        "limits.txt:2: -e .: a constraint cannot be editable",
    ]


def test_editables_are_paths_or_repositories(folder: Path) -> None:
    (folder / "lib").mkdir()
    for place in (folder, folder / "lib"):
        (place / "pyproject.toml").write_text('[project]\nname = "tin"\nversion = "1"\n')
    file = read(
        folder,
        "-e lib[fast,x]\n--editable=git+https://git.example/x@v1#egg=x\n-e .\n",
    )
    assert [(one.location, one.extras) for one in file.editables] == [
        (str(folder / "lib"), ("fast", "x")),
        ("git+https://git.example/x@v1#egg=x", ()),
        (str(folder), ()),
    ]
    assert [one.requirement for one in file.editables] == [
        f"tin[fast,x] @ {(folder / 'lib').as_uri()}#editable=true",
        "",
        f"tin @ {folder.as_uri()}#editable=true",
    ]
    assert problems(folder, "-e ./gone\n") == [
        "requirements.txt:1: -e ./gone: there is no such folder"
    ]


def test_paths_and_urls_get_their_name(folder: Path) -> None:
    wheel = build_wheel(folder / "wheels", "Tin_Can", "1.0")
    (folder / "lib").mkdir()
    (folder / "lib" / "pyproject.toml").write_text('[project]\nname = "my-lib"\nversion = "1"\n')
    file = read(
        folder,
        f"wheels/{wheel.name}[x] ; os_name == 'posix'\n"
        "./lib\n"
        "https://index.example/files/other_one-2.0.tar.gz#sha256=00\n"
        "git+https://git.example/x@v1#egg=thing[a]&subdirectory=python\n",
    )
    assert texts(file) == [
        f"tin-can[x] @ {wheel.as_uri()} ; os_name == 'posix'",
        f"my-lib @ {(folder / 'lib').as_uri()}",
        "other-one @ https://index.example/files/other_one-2.0.tar.gz#sha256=00",
        "thing[a] @ git+https://git.example/x@v1#subdirectory=python",
    ]


def test_what_is_not_followed_is_reported_never_dropped(folder: Path) -> None:
    (folder / "nameless").mkdir()
    file = read(
        folder,
        "--trusted-host index.example\n--use-feature=x\n"
        "a --pre\n"
        f"--hash={SHA256}\n"
        "b --config-settings k=v\n"
        "./nameless\n"
        "-r https://user:hunter2@index.example/more.txt\n"
        "git+https://git.example/x\n",
    )
    assert texts(file) == ["a", "b"]
    told = "\n".join((*file.unsupported, *file.refused))
    assert [line.split(" ")[1] for line in file.unsupported] == [
        "--trusted-host",
        "--use-feature",
        "--pre",
        "--hash",
        "--config-settings",
    ]
    assert [line.split(" ")[1] for line in file.refused] == [
        "./nameless:",
        "includes",
        "git+https://git.example/x:",
    ]
    assert "hunter2" not in told


def test_variables_are_expanded_and_their_values_never_shown(folder: Path) -> None:
    file = read(
        folder,
        "--index-url https://${USER_1}:${TOKEN}@index.example/\n",
        USER_1="me",
        TOKEN="hunter2",
    )
    assert file.options.index_url == "https://me:hunter2@index.example/"
    lines = problems(folder, "a==${TOKEN}!!\nb ${lower} ${EMPTY}\n", TOKEN="hunter2", EMPTY="")
    words = "is neither a requirement nor a file that is there"
    assert lines == [
        f"requirements.txt:1: a==${{TOKEN}}!!: {words}",
        f"requirements.txt:2: b ${{lower}} ${{EMPTY}}: {words}",
    ]


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (b"", "latin-1"),
    ],
)
def test_encodings_are_those_of_pip(folder: Path, mark: bytes, encoding: str) -> None:
    head = "# -*- coding: latin-1 -*-\n" if not mark else ""
    (folder / "é.txt").write_text("a==1\n")
    file = read(folder, mark + f"{head}-r é.txt\n".encode(encoding))
    assert texts(file) == ["a==1"]


def test_a_file_in_an_unknown_encoding_is_refused(folder: Path) -> None:
    with pytest.raises(RequirementError, match="unknown encoding: klingon"):
        read(folder, b"# coding: klingon\na\n")


def test_every_bad_line_is_told_at_once(folder: Path) -> None:
    assert problems(folder, "a\n--no-such-option\n>=1\nb.whl\n-r\na --hash 'x\n") == [
        "requirements.txt:2: --no-such-option: no such option: --no-such-option",
        "requirements.txt:3: >=1: is neither a requirement nor a file that is there",
        "requirements.txt:4: b.whl: there is no such file or folder",
        "requirements.txt:5: -r: -r option requires 1 argument",
        "requirements.txt:6: a --hash 'x: No closing quotation",
    ]
