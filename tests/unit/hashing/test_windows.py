"""How messages are cut into windows: completely, in order, fairly."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ppm.engine.hashing.windows import ALIGNMENT, BLOCK, MOST, SHARE, Piece, windows

WINDOW = 64 * 1024


def cut(sizes: list[int], *, window: int = WINDOW, most: int = 256) -> list[list[Piece]]:
    return list(windows(sizes, window=window, most=most))


@given(st.lists(st.one_of(st.integers(0, 300), st.integers(0, 300_000)), max_size=60))
def test_every_message_comes_whole_and_in_order(sizes: list[int]) -> None:
    reached = [0] * len(sizes)
    ended: set[int] = set()
    for pieces in cut(sizes, most=20):
        assert len({piece.message for piece in pieces}) == len(pieces)
        for piece in pieces:
            assert piece.message not in ended
            assert piece.start == reached[piece.message]
            assert piece.ends or (piece.size and piece.size % BLOCK == 0)
            reached[piece.message] += piece.size
            if piece.ends:
                ended.add(piece.message)
    assert reached == sizes
    assert ended == set(range(len(sizes)))


@given(st.lists(st.one_of(st.integers(0, 300), st.integers(0, 300_000)), max_size=60))
def test_pieces_fit_beside_one_another_and_the_longest_come_first(sizes: list[int]) -> None:
    for pieces in cut(sizes, most=20):
        assert 0 < len(pieces) <= 20
        end = 0
        for piece in pieces:
            assert piece.begin >= end
            assert piece.begin % ALIGNMENT == 0
            end = piece.begin + piece.size
        assert end <= WINDOW
        blocks = [piece.size // BLOCK for piece in pieces]
        assert blocks == sorted(blocks, reverse=True)


def test_a_long_message_takes_no_more_of_a_window_than_the_others_leave() -> None:
    sizes = [10_000_000, *[5000] * 10]
    first = cut(sizes)[0]
    assert {piece.message for piece in first} == set(range(11))
    assert all(piece.ends for piece in first if piece.message)
    assert first[0].message == 0
    assert first[0].size > WINDOW - 10 * 5100


def test_a_launch_takes_a_bounded_part_of_a_message() -> None:
    pieces = cut([10 * MOST], window=64 * MOST)
    assert [one.size for (one,) in pieces] == [MOST] * 10


def test_the_longest_messages_run_from_the_first_window_to_the_last() -> None:
    sizes = [*[100] * 5000, 400_000, 400_000]
    plan = cut(sizes)
    assert {5000, 5001} <= {piece.message for piece in plan[0]}
    # What both need is what there is: nobody waits for one of them alone.
    assert len(plan) <= sum(-(-size // ALIGNMENT) * ALIGNMENT for size in sizes) // WINDOW + 20


def test_more_messages_than_shares_wait_for_their_turn() -> None:
    plan = cut([SHARE] * 40)
    assert [len(pieces) for pieces in plan] == [16, 16, 8]
