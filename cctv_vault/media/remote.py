"""Inside the sandbox: footage as a file object whose bytes are asked for over the job's socket."""

import os
import socket
from collections import OrderedDict
from typing import Final

from cctv_vault.media.wire import MAX_PAYLOAD, Kind, ask, receive, refer, send

# One segment of a sealed stream: less would decrypt it more than once.
_BLOCK: Final = 1024 * 1024
_BLOCKS_KEPT: Final = 16


class RemoteFile:
    """A read-only seekable file with a small cache, as PyAV wants it."""

    def __init__(self, sock: socket.socket, source: int, size: int) -> None:
        """``source`` is its number in the job, ``size`` its length in bytes."""
        self._sock = sock
        self.number = source
        self._position = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self.size = size

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes; short at the end and at a block's border."""
        left = self.size - self._position
        if left <= 0:
            return b""
        wanted = left if size < 0 else min(size, left)
        parts: list[bytes] = []
        while wanted > 0:
            number, start = divmod(self._position, _BLOCK)
            part = self._block(number)[start : start + wanted]
            if not part:  # the source got shorter under us
                break
            parts.append(part)
            wanted -= len(part)
            self._position += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Moves the position; a place before the start is refused as files refuse it."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise OSError(22, "a position before the start")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """The position."""
        return self._position

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def twin(self) -> "RemoteFile":
        """The same bytes with a position of their own."""
        return RemoteFile(self._sock, self.number, self.size)

    def piece(self, offset: int, size: int) -> bytes:
        """Bytes that are needed once, without what lies around them; short only at the end."""
        parts: list[bytes] = []
        while size > 0:
            part = self._asked(offset, min(size, MAX_PAYLOAD))
            if not part:
                break
            parts.append(part)
            offset, size = offset + len(part), size - len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def forget(self) -> None:
        """Drops the cache, for a file that will not be needed for a while."""
        self._blocks.clear()

    def _block(self, number: int) -> bytes:
        block = self._blocks.get(number)
        if block is None:
            block = self._blocks[number] = self._asked(number * _BLOCK, _BLOCK)
            if len(self._blocks) > _BLOCKS_KEPT:
                self._blocks.popitem(last=False)
        else:
            self._blocks.move_to_end(number)
        return block

    def _asked(self, offset: int, size: int) -> bytes:
        ask(self._sock, self.number, offset, size)
        answer = receive(self._sock)
        if answer.kind != Kind.DATA:
            raise OSError(5, "the vault answered something else")
        return answer.payload


class Output:
    """Where a job writes: straight to the vault, never back, never to a disk."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def write(self, data: bytes) -> int:
        """Sends all of ``data``."""
        view = memoryview(data)
        for start in range(0, len(view), MAX_PAYLOAD):
            send(self._sock, Kind.WRITE, view[start : start + MAX_PAYLOAD])
        return len(view)

    def refer(self, file: RemoteFile, offset: int, size: int) -> None:
        """Lets ``size`` bytes of a source follow, without carrying them here and back."""
        refer(self._sock, file.number, offset, size)
