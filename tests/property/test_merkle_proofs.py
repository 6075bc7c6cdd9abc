"""Proofs over trees of any size against the recursive definition of RFC 6962."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from ppm.engine.ledger.tree import MerkleTree, extends, includes

SIZES = st.integers(1, 200)
LEAVES = [f"line {number}".encode() for number in range(200)]


def by_definition(leaves: list[bytes]) -> bytes:
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + by_definition(leaves[:split]) + by_definition(leaves[split:])).digest()


def grown(batches: list[int], size: int) -> MerkleTree:
    """A tree of ``size`` leaves that arrived in batches, whatever the numbers say."""
    tree = MerkleTree()
    for batch in [*batches, size]:
        tree.extend(LEAVES[tree.size : min(tree.size + batch, size)])
    return tree


@given(size=SIZES, batches=st.lists(st.integers(0, 70), max_size=8), data=st.data())
def test_roots_of_every_earlier_size_are_those_of_the_definition(
    size: int, batches: list[int], data: st.DataObject
) -> None:
    earlier = data.draw(st.integers(0, size))
    assert grown(batches, size).root(earlier) == by_definition(LEAVES[:earlier])


@given(size=SIZES, data=st.data())
def test_inclusion_is_proven_for_the_line_and_its_place_only(
    size: int, data: st.DataObject
) -> None:
    index, other = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size - 1))
    proof, root = MerkleTree(LEAVES).inclusion(index, size), by_definition(LEAVES[:size])
    assert includes(LEAVES[index], index, size, proof, root)
    assert includes(LEAVES[other], other, size, proof, root) == (other == index)
    assert includes(LEAVES[other], index, size, proof, root) == (other == index)
    assert includes(LEAVES[index], other, size, proof, root) == (other == index)


@given(size=SIZES, data=st.data())
def test_consistency_is_proven_for_a_beginning_only(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    changed = data.draw(st.integers(0, old - 1))
    fork = [*LEAVES[:changed], b"another line", *LEAVES[changed + 1 :]]
    proof, root = MerkleTree(LEAVES).consistency(old, size), by_definition(LEAVES[:size])
    assert extends(old, by_definition(LEAVES[:old]), size, root, proof)
    assert not extends(old, by_definition(fork[:old]), size, root, proof)
    forked = MerkleTree(fork)
    assert not extends(
        old, by_definition(LEAVES[:old]), size, forked.root(size), forked.consistency(old, size)
    )


@given(size=SIZES, place=st.integers(0, 20), bit=st.integers(0, 255), data=st.data())
def test_one_flipped_bit_spoils_a_proof(
    size: int, place: int, bit: int, data: st.DataObject
) -> None:
    tree = MerkleTree(LEAVES[:size])
    old = data.draw(st.integers(1, size))
    for proof, holds in (
        (
            tree.inclusion(old - 1),
            lambda one: includes(LEAVES[old - 1], old - 1, size, one, tree.root()),
        ),
        (
            tree.consistency(old),
            lambda one: extends(old, tree.root(old), size, tree.root(), one),
        ),
    ):
        if not proof:
            continue
        at = place % len(proof)
        flipped = bytearray(proof[at])
        flipped[bit // 8] ^= 1 << bit % 8
        assert holds(proof)
        assert not holds([*proof[:at], bytes(flipped), *proof[at + 1 :]])
        assert not holds(proof[:-1])
        assert not holds([*proof, proof[-1]])
