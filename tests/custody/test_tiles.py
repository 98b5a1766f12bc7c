"""Tiles: names and shapes of c2sp.org/tlog-tiles, and subtrees found in them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctv_vault.custody.errors import TileError
from cctv_vault.custody.tiles import (
    MAX_ENTRY_BYTES,
    TileReader,
    decode_bundle,
    decode_tile,
    encode_bundle,
    encode_tile,
    entries_path,
    tile_path,
    tile_width,
)
from storage.merkle import consistency_path, inclusion_path, root_of, verify_consistency

# The leaves and roots (of the first 1..8 leaves) of Certificate Transparency's reference tests.
CT_LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
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
CT_ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)

if TYPE_CHECKING:
    from tests.custody.conftest import MakeLog, Standard


def test_names_are_those_of_the_specification() -> None:
    assert tile_path(0, 1234067) == "tile/0/x001/x234/067"
    assert tile_path(0, 0) == "tile/0/000"
    assert tile_path(1, 999, 1) == "tile/1/999.p/1"
    assert tile_path(63, 1000, 255) == "tile/63/x001/000.p/255"
    assert entries_path(1067, 12) == "tile/entries/x001/067.p/12"
    assert entries_path(256) == "tile/entries/256"


@pytest.mark.parametrize(
    ("level", "tile", "width"), [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)]
)
def test_a_tile_that_cannot_be_has_no_name(level: int, tile: int, width: int) -> None:
    with pytest.raises(TileError):
        tile_path(level, tile, width)


def test_a_log_of_70000_has_the_tiles_the_specification_counts() -> None:
    assert [tile_width(0, tile, 70_000) for tile in (0, 272, 273, 274)] == [256, 256, 112, 0]
    assert [tile_width(1, tile, 70_000) for tile in (0, 1, 2)] == [256, 17, 0]
    assert [tile_width(2, tile, 70_000) for tile in (0, 1)] == [1, 0]
    assert (tile_width(0, 0, 256), tile_width(1, 0, 256), tile_width(1, 0, 255)) == (256, 1, 0)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_a_bundle_gives_back_its_entries(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries)) == entries


def test_a_bundle_is_length_prefixed_big_endian() -> None:
    assert encode_bundle([b"ab", b""]) == b"\x00\x02ab\x00\x00"
    assert decode_bundle(encode_bundle([b"x" * MAX_ENTRY_BYTES])) == [b"x" * MAX_ENTRY_BYTES]


def test_a_bundle_of_another_shape_is_refused() -> None:
    for entries in ([], [b""] * 257, [b"x" * (MAX_ENTRY_BYTES + 1)]):
        with pytest.raises(TileError):
            encode_bundle(entries)
    for data in (b"", b"\x00", b"\x00\x02a", b"\x00\x01a\x00", b"\x00\x00" * 257):
        with pytest.raises(TileError):
            decode_bundle(data)


@given(st.binary())
def test_any_bytes_are_a_bundle_or_refused(data: bytes) -> None:
    with contextlib.suppress(TileError):
        assert encode_bundle(decode_bundle(data)) == data


def test_a_tile_is_its_hashes_and_nothing_else() -> None:
    hashes = [bytes([i]) * 32 for i in range(256)]

    assert decode_tile(encode_tile(hashes)) == hashes
    for data in (b"", b"\0" * 31, b"\0" * 33, b"\0" * 32 * 257):
        with pytest.raises(TileError):
            decode_tile(data)
    for wrong in ([], [b"\0" * 31], [b"\0" * 32] * 257):
        with pytest.raises(TileError):
            encode_tile(wrong)


def test_the_published_trees_have_the_published_roots(
    standard: type[Standard], make_log: MakeLog
) -> None:
    for size, root in enumerate(CT_ROOTS, start=1):
        log = make_log(CT_LEAVES[:size])

        assert root_of(log.read_tile(0, 0, size)).hex() == root
        assert standard.tree_hash(CT_LEAVES[:size]).hex() == root
    assert TileReader(8, make_log(CT_LEAVES).read_tile).subtree(3, 0).hex() == CT_ROOTS[7]
    assert TileReader(7, make_log(CT_LEAVES[:7]).read_tile).subtree(2, 0).hex() == CT_ROOTS[3]


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 512, 600])
def test_every_whole_subtree_of_a_log_is_found(
    size: int, standard: type[Standard], make_log: MakeLog
) -> None:
    entries = [i.to_bytes(2, "big") for i in range(size)]
    reader = TileReader(size, make_log(entries).read_tile)

    for level in range(size.bit_length()):
        for index in range(size >> level):
            covered = entries[index << level : (index + 1) << level]
            assert reader.subtree(level, index) == standard.tree_hash(covered)


def test_a_subtree_that_is_not_whole_is_refused(make_log: MakeLog) -> None:
    reader = TileReader(7, make_log(CT_LEAVES[:7]).read_tile)

    for level, index in [(0, 7), (1, 3), (2, 1), (3, 0), (-1, 0), (0, -1), (64, 0)]:
        with pytest.raises(TileError):
            reader.subtree(level, index)


def test_a_tile_is_read_once_for_a_proof(make_log: MakeLog) -> None:
    log = make_log([i.to_bytes(2, "big") for i in range(600)])

    inclusion_path(300, 600, TileReader(600, log.read_tile).subtree)

    assert sorted(log.reads) == sorted(set(log.reads))
    assert set(log.reads) <= {(0, 1, 256), (0, 2, 88), (1, 0, 2)}


@pytest.mark.parametrize("hashes", [[], [b"\0" * 32] * 6, [b"\0" * 32] * 8, [b"\0" * 31] * 7])
def test_a_tile_of_another_shape_than_the_log_demands_is_refused(hashes: list[bytes]) -> None:
    with pytest.raises(TileError):
        TileReader(7, lambda _level, _tile, _width: hashes).subtree(0, 0)


@given(data=st.data())
def test_paths_through_tiles_are_those_of_the_standard(
    data: st.DataObject, standard: type[Standard], make_log: MakeLog
) -> None:
    size = data.draw(st.integers(1, 40) | st.sampled_from([255, 256, 257, 515]))
    index = data.draw(st.integers(0, size - 1))
    entries = [i.to_bytes(2, "big") for i in range(size)]
    reader = TileReader(size, make_log(entries).read_tile)

    path = inclusion_path(index, size, reader.subtree)

    assert path == standard.audit_path(index, entries)
    root = standard.tree_hash(entries)
    assert standard.root_from_path(entries[index], index, size, path) == root


@given(data=st.data())
def test_a_longer_log_is_shown_to_extend_a_shorter_one(
    data: st.DataObject, standard: type[Standard], make_log: MakeLog
) -> None:
    new = data.draw(st.integers(1, 40) | st.sampled_from([256, 300]))
    old = data.draw(st.integers(1, new))
    entries = [i.to_bytes(2, "big") for i in range(new)]
    reader = TileReader(new, make_log(entries).read_tile)

    path = consistency_path(old, new, reader.subtree)

    old_root, new_root = standard.tree_hash(entries[:old]), standard.tree_hash(entries)
    verify_consistency(old, new, old_root, new_root, path)
