"""A clip out of sealed recordings, beside ``ffmpeg -c copy`` on the plain file, in the same run.

    .venv/bin/python benchmarks/clip.py [--folder DIR] [--rounds N]

Makes one film of an hour (H.264, 1280 x 720, 15 pictures a second, 2 Mbit/s, a key frame every two
seconds), seals it, and cuts ten minutes out of its middle: the vault to a file beside the home,
entered in its log and registered as a copy, and Debian's ``ffmpeg`` from the plain file. Each round
begins with the other. Prints a table in Markdown, with how much of the footage was read; the last
figures are in README.md.
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from cctv_vault.clock import SystemClock
from cctv_vault.people.actors import Actor, Role, system_actor
from cctv_vault.settings import Settings
from cctv_vault.vault import Vault
from storage.stream import SealedReader

FPS = 15
SECONDS = 3600
MIB = 1024 * 1024
FROM_S, LENGTH_S = 1500, 600
PERSON = Actor("u-1", "Eva", "password", frozenset({Role.MANAGER}), cleared=False, is_person=True)


def main() -> None:
    """Make the film, run the rounds, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    if shutil.which("ffmpeg") is None:
        sys.exit("ffmpeg is missing (Debian package ffmpeg)")
    with tempfile.TemporaryDirectory(prefix="clip-", dir=options.folder) as name:
        run(Path(name), options.rounds)


def run(folder: Path, rounds: int) -> None:
    """Seal the film and let both cut it."""
    plain = folder / "plain.mp4"
    make_film(plain)
    settings = Settings(
        home=folder / "home",
        keys=folder / "home-keys",
        user=None,
        token=None,
        database_url=None,
        s3_bucket=None,
        settle_s=0.0,
    )
    vault = Vault.create(settings, "", controller="benchmark", zone="Europe/Stockholm")
    try:
        vault.register.add_camera(
            system_actor(),
            "kassa",
            drop=folder / "drop",
            purpose="to measure",
            view="noise",
            sound="no",
        )
        began = SystemClock().now().replace(microsecond=0) - timedelta(hours=3)
        named = plain.rename(folder / f"kassa_{began:%Y%m%dT%H%M%SZ}.mp4")
        outcome = vault.ingest.offer(system_actor(), named, camera="kassa", keep_source=True)
        if outcome.recording is None:
            sys.exit(f"the film was not sealed: {outcome.reason}")
        began = vault.catalogue.show(PERSON, outcome.recording).started_at
        size = named.stat().st_size
        read = counted_reads()
        start = began + timedelta(seconds=FROM_S)

        def ours(target: Path) -> None:
            vault.access.clip(
                PERSON,
                camera="kassa",
                start=start,
                end=start + timedelta(seconds=LENGTH_S),
                out=target,
                reason="to measure",
                purpose="technical-fault",
            )

        def theirs(target: Path) -> None:
            subprocess.run(
                [
                    *("ffmpeg", "-loglevel", "error", "-ss", str(FROM_S), "-i", str(named)),
                    *("-t", str(LENGTH_S), "-c", "copy", str(target)),
                ],
                check=True,
            )

        ours(folder / "warm.mp4")
        read.clear()
        ours(folder / "once.mp4")
        fetched = sum(read)
        took: dict[str, list[float]] = {"cctv_vault": [], "ffmpeg -c copy": []}
        ways: list[tuple[str, Callable[[Path], None]]] = [
            ("cctv_vault", ours),
            ("ffmpeg -c copy", theirs),
        ]
        for number in range(rounds):
            for who, cut in ways if number % 2 else ways[::-1]:
                target = folder / f"{number}-{who.split()[0]}.mp4"
                at = time.perf_counter()
                cut(target)
                took[who].append(time.perf_counter() - at)
                print(f"round {number + 1}: {who} {took[who][-1]:.3f} s", file=sys.stderr)
    finally:
        vault.close()
    clip = (folder / "once.mp4").stat().st_size
    base = statistics.median(took["ffmpeg -c copy"])
    print(f"{os.cpu_count()} cores ({platform.machine()}), {rounds} interleaved rounds:\n")
    print("| | median s | fastest to slowest s | x ffmpeg |\n|---|---:|---:|---:|")
    for who, seconds in took.items():
        middle = statistics.median(seconds)
        print(
            f"| {who} | {middle:.3f} | {min(seconds):.3f} to {max(seconds):.3f} "
            f"| {middle / base:.2f} |"
        )
    print(
        f"\nof {size / MIB:.0f} MiB sealed, {fetched / MIB:.0f} were decrypted for a clip of "
        f"{clip / MIB:.0f} MiB"
    )


def counted_reads() -> list[int]:
    """A list that grows by the length of every read of a sealed stream from now on."""
    lengths: list[int] = []
    original = SealedReader.readinto

    def readinto(reader: SealedReader, buffer: "bytearray | memoryview", /) -> int:
        count = original(reader, buffer)
        lengths.append(count)
        return count

    SealedReader.readinto = readinto  # type: ignore[assignment, method-assign]
    return lengths


def make_film(path: Path) -> None:
    """A minute of noise at the bit rate, sixty times over: what a copy costs, not what it shows."""
    noise = np.random.default_rng(1)
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        stream.bit_rate, stream.gop_size = 2_000_000, 2 * FPS
        stream.codec_context.max_b_frames = 0
        stream.options = {"preset": "ultrafast", "minrate": "2M", "maxrate": "2M", "bufsize": "4M"}
        packets = []
        for number in range(60 * FPS):
            small = noise.integers(0, 256, (72, 128, 3), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(np.kron(small, np.ones((10, 10, 1), np.uint8)))
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            packets += stream.encode(frame)
        packets += stream.encode(None)
        base = packets[0].time_base
        minute = round(60 / base)
        whole = [(bytes(each), each.pts, each.dts, each.is_keyframe) for each in packets]
        for turn in range(SECONDS // 60):
            for data, pts, dts, key in whole:
                packet = av.Packet(data)
                packet.stream, packet.time_base, packet.is_keyframe = stream, base, key
                packet.pts, packet.dts = (pts or 0) + turn * minute, (dts or 0) + turn * minute
                target.mux(packet)


if __name__ == "__main__":
    main()
