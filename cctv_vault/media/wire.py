"""The few messages between the vault and a job: the job asks for bytes, and sends its output.

A message is a header of fixed length and a payload. The vault answers ``READ`` and believes nothing
else: a job may have been taken over by the file it reads, so every length is checked here.
"""

import socket
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

_HEADER: Final = struct.Struct(">BBQI")  # kind, source, offset, length
MAX_PAYLOAD: Final = 4 * 1024 * 1024


class Kind(IntEnum):
    """What a message is."""

    JOB = 1  # vault to job: JSON, what to do
    READ = 2  # job to vault: bytes of a source, please (no payload)
    DATA = 3  # vault to job: those bytes, short only at the end
    WRITE = 4  # job to vault: output
    RESULT = 5  # job to vault: JSON, the answer; the last message of a job that went well
    ENDED = 6  # the jobs' parent to vault: JSON, how the job's process ended
    COPY = 7  # job to vault: bytes of a source, as they are, are output (no payload)


@dataclass(frozen=True)
class Message:
    """One message; ``length`` is the payload's, or for ``READ`` and ``COPY`` how much is meant."""

    kind: Kind
    source: int
    offset: int
    length: int
    payload: bytes


def send(sock: socket.socket, kind: Kind, payload: bytes | memoryview = b"") -> None:
    """Sends a message with a payload; raises ``OSError`` when the other side is gone."""
    header = _HEADER.pack(kind, 0, 0, len(payload))
    if len(payload) < MAX_PAYLOAD // 64:
        sock.sendall(header + bytes(payload))
    else:  # large payloads are not copied
        sock.sendall(header)
        sock.sendall(payload)


def ask(sock: socket.socket, source: int, offset: int, length: int) -> None:
    """Asks for ``length`` bytes of a source at ``offset``."""
    sock.sendall(_HEADER.pack(Kind.READ, source, offset, length))


def refer(sock: socket.socket, source: int, offset: int, length: int) -> None:
    """Says that ``length`` bytes of a source at ``offset`` come next in the output."""
    sock.sendall(_HEADER.pack(Kind.COPY, source, offset, length))


def receive(sock: socket.socket) -> Message:
    """Waits for the next message.

    Raises:
        EOFError: the other side is gone.
        ValueError: this is no message of ours.
    """
    kind, source, offset, length = _HEADER.unpack(_receive_exactly(sock, _HEADER.size))
    if kind != Kind.COPY and length > MAX_PAYLOAD:
        raise ValueError("a message longer than any of ours")
    payload = b"" if kind in {Kind.READ, Kind.COPY} else _receive_exactly(sock, length)
    return Message(Kind(kind), source, offset, length, payload)


def _receive_exactly(sock: socket.socket, length: int) -> bytes:
    parts: list[bytes] = []
    missing = length
    while missing:
        part = sock.recv(missing, socket.MSG_WAITALL)
        if not part:
            raise EOFError("the other side is gone")
        parts.append(part)
        missing -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
