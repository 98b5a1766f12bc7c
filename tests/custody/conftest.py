"""A whole small log in memory, and RFC 6962 once more, written from the standard alone."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import pytest

from cctv_vault.custody.checkpoints import Checkpoint
from cctv_vault.custody.notes import NoteSigner
from cctv_vault.custody.proofs import LogProof, encode_proof
from cctv_vault.custody.tiles import TILE_WIDTH, TileReader, tile_width
from storage.merkle import inclusion_path
from storage.secret import SecretKey


class Standard:
    """RFC 6962 section 2.1 and RFC 9162 section 2.1.3.2, sharing no code with the product."""

    @staticmethod
    def leaf(data: bytes) -> bytes:
        return hashlib.sha256(b"\x00" + data).digest()

    @staticmethod
    def node(left: bytes, right: bytes) -> bytes:
        return hashlib.sha256(b"\x01" + left + right).digest()

    @classmethod
    def tree_hash(cls, entries: Sequence[bytes]) -> bytes:
        """MTH(D[n])."""
        if not entries:
            return hashlib.sha256(b"").digest()
        if len(entries) == 1:
            return cls.leaf(entries[0])
        k = cls._split(len(entries))
        return cls.node(cls.tree_hash(entries[:k]), cls.tree_hash(entries[k:]))

    @classmethod
    def audit_path(cls, m: int, entries: Sequence[bytes]) -> list[bytes]:
        """PATH(m, D[n])."""
        if len(entries) == 1:
            return []
        k = cls._split(len(entries))
        if m < k:
            return [*cls.audit_path(m, entries[:k]), cls.tree_hash(entries[k:])]
        return [*cls.audit_path(m - k, entries[k:]), cls.tree_hash(entries[:k])]

    @classmethod
    def root_from_path(cls, entry: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
        """The root an inclusion path leads to, by the steps of RFC 9162 section 2.1.3.2."""
        assert index < size
        fn, sn, r = index, size - 1, cls.leaf(entry)
        for p in path:
            assert sn != 0
            if fn & 1 or fn == sn:
                r = cls.node(p, r)
                while not fn & 1 and fn:
                    fn >>= 1
                    sn >>= 1
            else:
                r = cls.node(r, p)
            fn >>= 1
            sn >>= 1
        assert sn == 0
        return r

    @staticmethod
    def _split(n: int) -> int:
        """The largest power of two smaller than n."""
        k = 1
        while k * 2 < n:
            k *= 2
        return k


@dataclass(frozen=True)
class SmallLog:
    """A signed log whose tiles are made by the definition in c2sp.org/tlog-tiles."""

    entries: Sequence[bytes]
    signer: NoteSigner
    reads: list[tuple[int, int, int]] = field(default_factory=list)

    @property
    def checkpoint(self) -> Checkpoint:
        root = Standard.tree_hash(self.entries)
        return Checkpoint(self.signer.name, len(self.entries), root)

    def read_tile(self, level: int, tile: int, width: int) -> list[bytes]:
        assert width == tile_width(level, tile, len(self.entries))
        self.reads.append((level, tile, width))
        span = TILE_WIDTH**level
        starts = [(tile * TILE_WIDTH + i) * span for i in range(width)]
        return [Standard.tree_hash(self.entries[at : at + span]) for at in starts]

    def proof(self, index: int) -> LogProof:
        size = len(self.entries)
        path = inclusion_path(index, size, TileReader(size, self.read_tile).subtree)
        return LogProof(index, tuple(path), self.checkpoint.sign(self.signer))

    def proof_text(self, index: int) -> str:
        return encode_proof(self.proof(index))


MakeLog: TypeAlias = Callable[[Sequence[bytes]], SmallLog]


@pytest.fixture(scope="session")
def standard() -> type[Standard]:
    return Standard


@pytest.fixture(scope="session")
def signer() -> NoteSigner:
    return NoteSigner("vault.example/log", SecretKey(bytes(range(32))))


@pytest.fixture(scope="session")
def make_log(signer: NoteSigner) -> MakeLog:
    def make(entries: Sequence[bytes]) -> SmallLog:
        return SmallLog(entries, signer)

    return make
