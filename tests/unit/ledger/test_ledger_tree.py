"""The ledger's tree against published vectors: roots, inclusion and consistency proofs.

The vectors are those of Certificate Transparency's reference tests (merkle_tree_test.cc in
google/certificate-transparency), where leaves count from 1.
"""

from __future__ import annotations

import pytest

from ppm.engine.ledger.tree import EMPTY_ROOT, MerkleTree, extends, includes

LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    bytes.fromhex(text)
    for text in (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
FIRST_TWO = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
FIFTH = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
THIRD_PAIR = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
SECOND_PAIR = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
RIGHT_HALF = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
LEFT_HALF = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
FIRST_SIBLING = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
FIRST = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
INCLUSION: dict[tuple[int, int], list[str]] = {
    (0, 1): [],
    (0, 8): [FIRST_SIBLING, SECOND_PAIR, RIGHT_HALF],
    (5, 8): [FIFTH, THIRD_PAIR, LEFT_HALF],
    (2, 3): [FIRST_TWO],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        SECOND_PAIR,
        FIFTH,
    ],
}
CONSISTENCY: dict[tuple[int, int], list[str]] = {
    (1, 1): [],
    (1, 8): [FIRST_SIBLING, SECOND_PAIR, RIGHT_HALF],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        THIRD_PAIR,
        LEFT_HALF,
    ],
    (2, 5): [SECOND_PAIR, FIFTH],
}


def raw(texts: list[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


def test_no_leaves_have_the_hash_of_nothing() -> None:
    assert MerkleTree().root() == EMPTY_ROOT == ROOTS[0]


def test_roots_are_the_published_ones_however_the_leaves_arrive() -> None:
    at_once, one_by_one = MerkleTree(LEAVES), MerkleTree()
    for size, leaf in enumerate(LEAVES, 1):
        one_by_one.extend([leaf])
        assert one_by_one.size == size
        for smaller in range(size + 1):
            assert one_by_one.root(smaller) == at_once.root(smaller) == ROOTS[smaller]


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_inclusion_proofs_are_the_published_ones(index: int, size: int) -> None:
    proof = raw(INCLUSION[index, size])
    assert MerkleTree(LEAVES).inclusion(index, size) == proof
    assert includes(LEAVES[index], index, size, proof, ROOTS[size])


@pytest.mark.parametrize(("old", "size"), CONSISTENCY)
def test_consistency_proofs_are_the_published_ones(old: int, size: int) -> None:
    proof = raw(CONSISTENCY[old, size])
    assert MerkleTree(LEAVES).consistency(old, size) == proof
    assert extends(old, ROOTS[old], size, ROOTS[size], proof)


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_an_inclusion_proof_fits_no_other_place(index: int, size: int) -> None:
    proof, leaf = raw(INCLUSION[index, size]), LEAVES[index]
    places = [place for place in range(-1, 2 * size) if place != index]
    assert not any(includes(leaf, place, size, proof, ROOTS[size]) for place in places)


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_an_inclusion_proof_with_anything_else_is_refused(index: int, size: int) -> None:
    proof, root, leaf = raw(INCLUSION[index, size]), ROOTS[size], LEAVES[index]
    refused = [
        (b"WrongLeaf", index, size, proof, root),
        (leaf, index, size * 2, proof, root),
        (leaf, index, size // 2, proof, root),
        (leaf, index, size, proof, ROOTS[0]),
        (leaf, index, size, [*proof, b""], root),
        (leaf, index, size, [*proof, root], root),
        (leaf, index, size, [b"", *proof], root),
        (leaf, index, size, [root, *proof], root),
        *(
            (leaf, index, size, [*proof[:place], ROOTS[0], *proof[place + 1 :]], root)
            for place in range(len(proof))
        ),
        *((leaf, index, size, proof[:length], root) for length in range(len(proof))),
    ]
    assert [includes(*one) for one in refused] == [False] * len(refused)


@pytest.mark.parametrize(("old", "size"), [key for key in CONSISTENCY if key[0] != key[1]])
def test_a_consistency_proof_with_anything_else_is_refused(old: int, size: int) -> None:
    proof, before, after = raw(CONSISTENCY[old, size]), ROOTS[old], ROOTS[size]
    refused = [
        (old - 1, before, size, after, proof),
        (old + 1, before, size, after, proof),
        (old ^ 2, before, size, after, proof),
        (old, before, size * 2, after, proof),
        (old, before, size // 2, after, proof),
        (old, before, size, b"WrongRoot", proof),
        (old, b"WrongRoot", size, after, proof),
        (old, after, size, before, proof),
        (old, before, size, after, []),
        (old, before, size, after, [*proof, b""]),
        (old, before, size, after, [*proof, proof[-1]]),
        (old, before, size, after, proof[:-1]),
        (old, before, size, after, [b"", *proof]),
        (old, before, size, after, [proof[0], *proof]),
        *(
            (old, before, size, after, [*proof[:place], ROOTS[0], *proof[place + 1 :]])
            for place in range(len(proof))
        ),
    ]
    assert [extends(*one) for one in refused] == [False] * len(refused)


def test_trees_that_are_consistent_without_a_proof() -> None:
    assert extends(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])
    assert extends(0, EMPTY_ROOT, 5, ROOTS[5], [])
    assert extends(3, ROOTS[3], 3, ROOTS[3], [])
    assert not extends(3, ROOTS[3], 3, ROOTS[2], [])
    assert not extends(0, EMPTY_ROOT, 5, ROOTS[5], [ROOTS[5]])
    assert not extends(0, ROOTS[5], 5, ROOTS[5], [])
    assert not extends(2, ROOTS[2], 1, ROOTS[1], [])
    assert not extends(-1, ROOTS[2], 1, ROOTS[1], [])


def test_a_tree_answers_for_no_leaf_that_it_does_not_have() -> None:
    tree = MerkleTree(LEAVES)
    for ask in (
        lambda: tree.root(9),
        lambda: tree.inclusion(8),
        lambda: tree.inclusion(-1),
        lambda: tree.inclusion(3, 3),
        lambda: tree.consistency(9),
        lambda: tree.consistency(0),
        lambda: tree.consistency(4, 3),
    ):
        with pytest.raises(IndexError):
            ask()
