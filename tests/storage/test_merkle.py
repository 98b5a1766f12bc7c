"""RFC 6962 trees against a literal transcription of the RFC's definition, for every small size."""

import hashlib
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.merkle import (
    EMPTY_ROOT,
    CompactRange,
    ProofError,
    consistency_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

LEAVES = [leaf_hash(bytes([i])) for i in range(40)]


def mth(data: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, word for word, over the data itself."""
    if not data:
        return hashlib.sha256(b"").digest()
    if len(data) == 1:
        return hashlib.sha256(b"\x00" + data[0]).digest()
    k = 1
    while k * 2 < len(data):
        k *= 2
    return hashlib.sha256(b"\x01" + mth(data[:k]) + mth(data[k:])).digest()


def subtree(level: int, index: int) -> bytes:
    part = LEAVES[index << level : (index + 1) << level]
    assert len(part) == 1 << level, "only complete subtrees may be asked for"
    return root_of(part)


def test_the_root_of_every_small_tree_is_that_of_the_rfc() -> None:
    for size in range(41):
        assert root_of(LEAVES[:size]) == mth([bytes([i]) for i in range(size)])


def test_the_roots_published_with_certificate_transparency_are_met() -> None:
    data = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
    leaves = [leaf_hash(bytes.fromhex(item)) for item in data]

    assert root_of([]).hex() == ("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    assert root_of(leaves[:1]).hex() == (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    )
    assert root_of(leaves[:7]).hex() == (
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"
    )


def test_a_compact_range_has_the_root_of_its_tree_at_every_size_and_survives_bytes() -> None:
    edge = CompactRange()
    assert edge.root() == EMPTY_ROOT
    for size, leaf in enumerate(LEAVES, 1):
        edge = CompactRange.from_bytes(edge.append(leaf).to_bytes())
        assert (edge.size, edge.root()) == (size, root_of(LEAVES[:size]))


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 7, b"\0" * 7 + b"\1", b"\0" * 40, b"\0" * 7 + b"\3" + b"\0" * 32]
)
def test_bytes_that_are_no_compact_range_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="compact range"):
        CompactRange.from_bytes(data)


def test_every_leaf_of_every_small_tree_is_proven() -> None:
    for size in range(1, 41):
        root = root_of(LEAVES[:size])
        for index in range(size):
            verify_inclusion(LEAVES[index], index, size, inclusion_path(index, size, subtree), root)


def test_every_small_tree_is_proven_to_extend_every_smaller_one() -> None:
    for new in range(41):
        for old in range(new + 1):
            path = consistency_path(old, new, subtree)
            verify_consistency(old, new, root_of(LEAVES[:old]), root_of(LEAVES[:new]), path)


def test_no_inclusion_proof_holds_for_another_leaf_place_size_or_path() -> None:
    for size in range(1, 18):
        root = root_of(LEAVES[:size])
        for index in range(size):
            path = inclusion_path(index, size, subtree)
            leaf = LEAVES[index]
            wrong: list[tuple[bytes, int, int, list[bytes]]] = [
                (LEAVES[39], index, size, path),
                (leaf, index, size, [*path, LEAVES[0]]),
                (leaf, size, size, path),
                (leaf, -1, size, path),
                (leaf, index, size, [p[:31] for p in path] or [b""]),
                *((leaf, other, size, path) for other in range(size) if other != index),
                *((leaf, index, size, [*path[:i], *path[i + 1 :]]) for i in range(len(path))),
                *(
                    (leaf, index, size, [*path[:i], LEAVES[39], *path[i + 1 :]])
                    for i in range(len(path))
                ),
            ]
            for case in wrong:
                with pytest.raises(ProofError):
                    verify_inclusion(*case, root)


def test_no_consistency_proof_holds_for_another_root_size_or_path() -> None:
    for old, new in product(range(18), repeat=2):
        if old > new:
            with pytest.raises(ProofError):
                verify_consistency(old, new, LEAVES[0], LEAVES[1], [])
            continue
        path = consistency_path(old, new, subtree)
        old_root, new_root = root_of(LEAVES[:old]), root_of(LEAVES[:new])
        wrong: list[tuple[bytes, bytes, list[bytes]]] = [
            (LEAVES[39], new_root, path),
            (old_root, new_root, [*path, LEAVES[0]]),
            (old_root, new_root, [b""]),
            *((old_root, new_root, [*path[:i], *path[i + 1 :]]) for i in range(len(path))),
            *(
                (old_root, new_root, [*path[:i], LEAVES[39], *path[i + 1 :]])
                for i in range(len(path))
            ),
        ]
        if old:  # every tree extends the empty one
            wrong.append((old_root, LEAVES[39], path))
        for case in wrong:
            with pytest.raises(ProofError):
                verify_consistency(old, new, *case)


def test_proofs_are_not_made_for_what_is_not_there() -> None:
    for index in (-1, 5, 6):
        with pytest.raises(ValueError, match="not in a tree"):
            inclusion_path(index, 5, subtree)
    with pytest.raises(ValueError, match="does not extend"):
        consistency_path(6, 5, subtree)


@given(st.lists(st.binary(max_size=4), max_size=300))
def test_roots_of_random_trees_agree_however_they_are_built(data: list[bytes]) -> None:
    leaves = [leaf_hash(item) for item in data]
    edge = CompactRange()
    for leaf in leaves:
        edge = edge.append(leaf)

    assert edge.root() == root_of(leaves) == mth(data)


def test_a_leaf_is_never_a_node() -> None:
    left, right = LEAVES[:2]

    assert node_hash(left, right) != leaf_hash(left + right)
