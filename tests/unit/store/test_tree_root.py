from __future__ import annotations

import hashlib

from ppm.engine.store.model import TreeFile
from ppm.engine.store.roots import tree_root


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def by_hand(files: list[tuple[str, str, str]]) -> bytes:
    """RFC 6962 section 2.1, word by word."""
    leaves = [f"{path}\0{mode}\0{sha256}".encode() for path, mode, sha256 in files]

    def tree(part: list[bytes]) -> bytes:
        if len(part) == 1:
            return hashlib.sha256(b"\0" + part[0]).digest()
        split = 1
        while split * 2 < len(part):
            split *= 2
        return hashlib.sha256(b"\1" + tree(part[:split]) + tree(part[split:])).digest()

    return tree(leaves) if leaves else hashlib.sha256(b"").digest()


def test_as_the_rfc_says_for_any_number_of_files() -> None:
    for count in range(12):
        files = [
            TreeFile(f"d/{number:02}", digest(str(number)), 1, number % 3 == 0)
            for number in range(count)
        ]
        spelled = [(file.path, "755" if file.executable else "644", file.sha256) for file in files]
        assert tree_root(files) == by_hand(spelled).hex()
        assert tree_root(reversed(files)) == tree_root(files)


def test_paths_are_in_the_order_of_their_bytes() -> None:
    paths = ["a/b", "a-b", "a.b", "\uffff", "\U00010000", "Z", "\u00e9"]
    files = [TreeFile(path, digest(path), 0, False) for path in paths]
    ordered = sorted(paths, key=lambda path: path.encode())
    assert tree_root(files) == by_hand([(path, "644", digest(path)) for path in ordered]).hex()


def test_every_part_of_a_file_counts() -> None:
    base = TreeFile("a", digest("a"), 1, False)
    others = [
        TreeFile("b", digest("a"), 1, False),
        TreeFile("a", digest("b"), 1, False),
        TreeFile("a", digest("a"), 1, True),
    ]
    assert len({tree_root([file]) for file in [base, *others]}) == 4


def test_a_known_root() -> None:
    assert tree_root([]) == digest("")
    only = TreeFile("demo/__init__.py", digest(""), 0, False)
    leaf = b"\0demo/__init__.py\0" + b"644\0" + digest("").encode()
    assert tree_root([only]) == hashlib.sha256(leaf).hexdigest()
