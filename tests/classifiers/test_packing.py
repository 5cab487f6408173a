import pytest
import torch

from classifiers.network.packing import PADDING, pack, rows

SEQUENCES = [[1, 5], [1, 6, 7, 8], [1], [1, 9, 9], [1, 2, 3, 4, 5, 6, 7]]


def test_every_sequence_travels_once_within_the_budget() -> None:
    packs = list(pack(SEQUENCES, 6))
    assert sorted(member for packed in packs for member in packed.members) == list(range(len(SEQUENCES)))
    assert all(len(packed.ids) <= 6 or len(packed.members) == 1 for packed in packs)
    for packed in packs:
        parts = torch.split(packed.ids, list(packed.lengths))
        assert [part.tolist() for part in parts] == [SEQUENCES[member] for member in packed.members]


def test_positions_restart_and_segments_rise() -> None:
    (packed,) = pack(SEQUENCES, 100)
    assert packed.positions.tolist() == [place for length in packed.lengths for place in range(length)]
    assert packed.segments.tolist() == [n for n, length in enumerate(packed.lengths) for _ in range(length)]


def test_an_empty_sequence_is_refused() -> None:
    with pytest.raises(ValueError, match="sequence 1 is empty"):
        list(pack([[1], []], 8))


def test_nothing_makes_no_pack() -> None:
    assert list(pack([], 8)) == []


def test_rows_hold_what_fits_and_mask_what_is_apart() -> None:
    laid, placed = rows(SEQUENCES, width=7, count=2)
    assert set(placed) < set(range(len(SEQUENCES)))
    for segment, index in enumerate(placed):
        assert laid.ids[laid.segments == segment].tolist() == SEQUENCES[index]
    assert (laid.ids[laid.segments == PADDING] == 0).all()
    allowed = laid.mask()[:, 0]
    for row, query, key in allowed.nonzero().tolist():
        assert key <= query
        assert laid.segments[row, key] == laid.segments[row, query]
    assert allowed.diagonal(dim1=1, dim2=2).all()
