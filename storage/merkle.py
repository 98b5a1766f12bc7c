"""RFC 6962 Merkle trees: hashing, roots, proofs and their verification.

The one implementation in the product: the segment roots of blobs and the custody log both use
it. Pure: no clock, no I/O; no tree is held here, callers supply the hashes asked for. Sections
cited are those of RFC 9162, which keeps RFC 6962's hashing and spells out verification.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

from storage.errors import ProofError

__all__ = [
    "EMPTY_ROOT",
    "HASH_BYTES",
    "CompactRange",
    "ProofError",
    "SubtreeHash",
    "consistency_path",
    "inclusion_path",
    "leaf_hash",
    "node_hash",
    "root_of",
    "verify_consistency",
    "verify_inclusion",
]

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
_SIZE_BYTES: Final = 8

# (level, index) -> hash of the complete subtree over leaves [index << level, (index + 1) << level).
SubtreeHash = Callable[[int, int], bytes]


def leaf_hash(data: bytes | bytearray | memoryview) -> bytes:
    """Return the hash of a leaf, ``SHA-256(0x00 || data)`` (section 2.1.1)."""
    hasher = hashlib.sha256(b"\x00")
    hasher.update(data)
    return hasher.digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node, ``SHA-256(0x01 || left || right)`` (section 2.1.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes in order; `EMPTY_ROOT` for none."""
    level = list(leaf_hashes)
    # Pairing neighbours and carrying an odd last one up unhashed builds exactly the tree that
    # splits at the largest power of two, in linear time.
    while len(level) > 1:
        paired = [node_hash(*level[i : i + 2]) for i in range(0, len(level) - 1, 2)]
        level = paired + level[len(paired) * 2 :]
    return level[0] if level else EMPTY_ROOT


@dataclass(frozen=True, slots=True)
class CompactRange:
    """The right edge of a growing tree: all that is needed to append and to know the root.

    Attributes:
        size: Number of leaves.
        edge: One hash for each bit set in `size`, that of the largest complete subtree first.
    """

    size: int = 0
    edge: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size < 1 << 8 * _SIZE_BYTES:
            raise ValueError(f"a tree has 0 to 2^64 - 1 leaves, not {self.size}")
        if len(self.edge) != self.size.bit_count():
            raise ValueError(f"a tree of {self.size} leaves has another number of edge hashes")
        if any(len(part) != HASH_BYTES for part in self.edge):
            raise ValueError(f"an edge hash is {HASH_BYTES} bytes")

    def append(self, leaf: bytes) -> Self:
        """Return the range with one more leaf, given as its leaf hash."""
        edge, size = [*self.edge, leaf], self.size
        while size & 1:
            right = edge.pop()
            edge[-1] = node_hash(edge[-1], right)
            size >>= 1
        return type(self)(self.size + 1, tuple(edge))

    def root(self) -> bytes:
        """Return the root of the tree."""
        if not self.edge:
            return EMPTY_ROOT
        root = self.edge[-1]
        for left in reversed(self.edge[:-1]):
            root = node_hash(left, root)
        return root

    def to_bytes(self) -> bytes:
        """Return the size as u64 big-endian, then the edge hashes."""
        return self.size.to_bytes(_SIZE_BYTES, "big") + b"".join(self.edge)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` wrote.

        Raises:
            ValueError: The bytes are no compact range.
        """
        size, rest = int.from_bytes(data[:_SIZE_BYTES], "big"), data[_SIZE_BYTES:]
        if len(data) < _SIZE_BYTES or len(rest) != size.bit_count() * HASH_BYTES:
            raise ValueError("these bytes are no compact range")
        return cls(size, tuple(rest[i : i + HASH_BYTES] for i in range(0, len(rest), HASH_BYTES)))


def _split(count: int) -> int:
    """Return the largest power of two smaller than `count`, which is at least 2."""
    return 1 << (count - 1).bit_length() - 1


def _range_root(begin: int, end: int, subtree: SubtreeHash) -> bytes:
    """Return the root over leaves [begin, end), where begin is aligned to the range's own tree."""
    count = end - begin
    if count.bit_count() == 1:
        level = count.bit_length() - 1
        return subtree(level, begin >> level)
    middle = begin + _split(count)
    return node_hash(_range_root(begin, middle, subtree), _range_root(middle, end, subtree))


def inclusion_path(index: int, size: int, subtree: SubtreeHash) -> list[bytes]:
    """Return the proof that leaf `index` is in the tree of `size` leaves (section 2.1.3.1).

    Args:
        index: The leaf, counted from 0.
        size: Leaves in the tree.
        subtree: Returns the hash of a complete subtree, asked for by level and index.

    Raises:
        ValueError: The index is outside the tree.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    begin, end, path = 0, size, []
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append(_range_root(middle, end, subtree))
            end = middle
        else:
            path.append(_range_root(begin, middle, subtree))
            begin = middle
    return path[::-1]


def consistency_path(old: int, new: int, subtree: SubtreeHash) -> list[bytes]:
    """Return the proof that the tree of `new` leaves extends that of `old` (section 2.1.4.1).

    Args:
        old: Leaves in the earlier tree. Empty for 0 and for `old == new`, as nothing is to prove.
        new: Leaves in the later tree.
        subtree: Returns the hash of a complete subtree, asked for by level and index.

    Raises:
        ValueError: `old` is greater than `new`, or negative.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves does not extend one of {old}")
    if old in {0, new}:
        return []
    begin, end, path = 0, new, []
    # The flag says whether [begin, end) is still the whole earlier tree, whose hash the verifier
    # has; section 2.1.4.1 calls it b.
    whole = True
    while old != end:
        middle = begin + _split(end - begin)
        if old <= middle:
            path.append(_range_root(middle, end, subtree))
            end = middle
        else:
            path.append(_range_root(begin, middle, subtree))
            begin, whole = middle, False
    if not whole:
        path.append(_range_root(begin, end, subtree))
    return path[::-1]


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> None:
    """Check that a leaf is at `index` in the tree of `size` leaves with this root (2.1.3.2).

    Args:
        leaf: The leaf's hash, from `leaf_hash`.
        index: The leaf, counted from 0.
        size: Leaves in the tree.
        path: The proof, from `inclusion_path`.
        root: The tree's root.

    Raises:
        ProofError: It is not proven.
    """
    if not 0 <= index < size:
        raise ProofError(f"leaf {index} is not in a tree of {size}")
    _check_hashes(leaf, *path, root)
    r = leaf
    for left, p in _climb(index, size - 1, path):
        r = node_hash(p, r) if left else node_hash(r, p)
    if r != root:
        raise ProofError(f"leaf {index} is not under this root of {size} leaves")


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> None:
    """Check that the tree of `new` leaves begins with that of `old` leaves (2.1.4.2).

    Args:
        old: Leaves in the earlier tree.
        new: Leaves in the later tree.
        old_root: The earlier root.
        new_root: The later root.
        path: The proof, from `consistency_path`.

    Raises:
        ProofError: It is not proven.
    """
    if not 0 <= old <= new:
        raise ProofError(f"a tree of {new} leaves does not extend one of {old}")
    _check_hashes(*path, old_root, new_root)
    if old in {0, new}:
        expected = new_root if old else EMPTY_ROOT
        if path or old_root != expected:
            raise ProofError(f"the root of {old} leaves is not the one of this tree")
        return
    rest = list(path)
    # An old tree that is one complete subtree is its own first hash, so the proof leaves it out.
    if old.bit_count() == 1:
        rest.insert(0, old_root)
    if not rest:
        raise ProofError("the consistency proof is too short")
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = rest[0]
    for left, c in _climb(fn, sn, rest[1:]):
        fr, sr = (node_hash(c, fr), node_hash(c, sr)) if left else (fr, node_hash(sr, c))
    if fr != old_root or sr != new_root:
        raise ProofError(f"the tree of {new} leaves does not extend this root of {old}")


def _climb(fn: int, sn: int, path: Sequence[bytes]) -> Iterator[tuple[bool, bytes]]:
    """Yield each hash of a path and whether it stands to the left, by the loop both checks share.

    Raises:
        ProofError: The path is longer or shorter than the way from node `fn` to the root.
    """
    for p in path:
        if sn == 0:
            raise ProofError("the proof is too long")
        left = bool(fn & 1) or fn == sn
        yield left, p
        if left:
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        fn, sn = fn >> 1, sn >> 1
    if sn:
        raise ProofError("the proof is too short")


def _check_hashes(*hashes: bytes) -> None:
    if any(len(item) != HASH_BYTES for item in hashes):
        raise ProofError(f"a hash in a proof is {HASH_BYTES} bytes")
