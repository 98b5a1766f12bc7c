"""A small shop for tests: a real vault with two cameras, and small films and pictures for it."""

import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from cctv_vault.people.actors import Actor, Role, system_actor
from cctv_vault.settings import Settings
from cctv_vault.vault import Vault

NOW = datetime.fromisoformat("2026-03-02T08:00:00+01:00")
SYSTEM = system_actor()


def person(*roles: Role, name: str = "Eva", cleared: bool = False) -> Actor:
    """Somebody who proved who they are."""
    return Actor(f"u-{name}", name, "password", frozenset(roles), cleared, is_person=True)


MANAGER = person(Role.MANAGER)
ENGINES = ("sqlite", pytest.param("postgresql", marks=pytest.mark.service))
Furnish = Callable[[Path, str | None], Vault]
"""Makes a vault in a folder, its index in the database named or, with None, in the folder."""
Lay = Callable[[Furnish, str, Path], AbstractContextManager[str | None]]
"""What the fixture ``lay`` is."""


def open_shop(folder: Path, database_url: str | None = None, *, reserve_bytes: int = 0) -> Vault:
    """A simulated vault at 08:00 on a Monday, with the cameras ``kassa`` and ``entre``.

    Their drop folders are ``drop/kassa`` and ``drop/entre`` below the folder; files settle at once.
    """
    settings = settings_of(folder, database_url, reserve_bytes=reserve_bytes)
    vault = Vault.create(
        settings, "", controller="Butiken AB", zone="Europe/Stockholm", simulated_clock=NOW
    )
    for code in ("kassa", "entre"):
        vault.register.add_camera(SYSTEM, code, drop=folder / "drop" / code)
    return vault


def settings_of(
    folder: Path, database_url: str | None = None, *, reserve_bytes: int = 0
) -> Settings:
    """The settings of the shop in a folder, to open it again."""
    return Settings(
        home=folder / "home",
        keys=folder / "keys",
        database_url=database_url,
        settle_s=0,
        scan_s=0.2,
        reserve_bytes=reserve_bytes,
    )


def picture(number: int) -> bytes:
    """A small JPEG, another for each number."""
    pixels = np.full((48, 64, 3), number * 37 % 256, np.uint8)
    pixels[number % 48, :, :] = 255
    codec = av.VideoCodecContext.create("mjpeg", "w")
    codec.width, codec.height, codec.pix_fmt = 64, 48, "yuvj420p"
    codec.framerate = Fraction(1)
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuvj420p")
    data = b"".join(bytes(packet) for packet in [*codec.encode(frame), *codec.encode(None)])
    comment = b"\xff\xfe\x00\x06" + number.to_bytes(4, "big")
    return data[:2] + comment + data[2:]


def film(number: int, seconds: float, *, sound: bool = False, codec: str = "libx264") -> bytes:
    """A small film, another for each number, at 5 pictures a second, each one a key frame."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream(codec, rate=5, options={"g": "1"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        audio = container.add_stream("aac", rate=8000) if sound else None
        for index in range(round(seconds * 5)):
            pixels = np.full((48, 64, 3), (number * 53 + index) % 256, np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
        if audio is not None:
            for index in range(round(seconds * 8000 / 1024)):
                silence = np.zeros((1, 1024), np.float32)
                frame = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
                frame.rate, frame.pts = 8000, index * 1024
                for packet in audio.encode(frame):
                    container.mux(packet)
            for packet in audio.encode(None):
                container.mux(packet)
    return out.getvalue()


def put(folder: Path, name: str, data: bytes) -> Path:
    """A file in a folder, made where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(data)
    return path
