"""Measuring motion in sealed footage, beside ``dvr-scan`` on the plain file, in the same run.

    .venv/bin/python benchmarks/motion.py [--folder DIR] [--minutes N] [--rounds N]

Makes one film (H.264, 1920 x 1080, 15 pictures a second, 4 Mbit/s, a key frame every two or, in a
second film, every four seconds), seals it, and measures its motion and makes its strip on one core:
decrypted, its key frames decoded in a confined process, sealed again and indexed. ``dvr-scan``
(PyPI: dvr-scan-headless, on the path) looks at every picture of the plain file, or at every
thirtieth. Prints a table in Markdown; the last figures are in README.md.
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
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from cctv_vault.clock import SystemClock
from cctv_vault.people.actors import system_actor
from cctv_vault.settings import Settings
from cctv_vault.vault import Vault

FPS = 15


def main() -> None:
    """Make the films, run the rounds, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(f"one core ({platform.machine()}), a film of {options.minutes} minutes:\n")
    print("| | median s | of processor s | x real time by it |\n|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory(prefix="motion-", dir=options.folder) as name:
        for apart in (2, 4):
            folder = Path(name) / str(apart)
            folder.mkdir()
            compare(folder, apart, options.minutes * 60, options.rounds)


def compare(folder: Path, apart: int, seconds: int, rounds: int) -> None:
    """One film, with its key frames so far apart, by every contender."""
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
    took: list[tuple[float, float]] = []
    plain = folder / "plain.mp4"
    try:
        for number in range(rounds):
            vault.register.add_camera(
                system_actor(),
                f"kassa-{number}",
                drop=folder / f"drop-{number}",
                purpose="to measure",
                view="a square that wanders",
                sound="no",
            )
        make_film(plain, apart, seconds)
        began = SystemClock().now().replace(microsecond=0) - timedelta(hours=3)
        named = plain.rename(folder / f"kassa_{began:%Y%m%dT%H%M%SZ}.mp4")
        for number in range(rounds):
            outcome = vault.ingest.offer(
                system_actor(), named, camera=f"kassa-{number}", keep_source=True
            )
            if outcome.recording is None:
                sys.exit(f"the film was not sealed: {outcome.reason}")
            at, worked = time.perf_counter(), processor_s()
            vault.motion.make(outcome.recording)
            took.append((time.perf_counter() - at, processor_s() - worked))
    finally:
        vault.close()
    tell(f"cctv_vault, a key frame every {apart} s", took, seconds)
    if shutil.which("dvr-scan") is None:
        print("| dvr-scan | absent (PyPI: dvr-scan-headless) | | |")
        return
    for skip in (0, 29):
        took = []
        for _ in range(rounds):
            at, worked = time.perf_counter(), processor_s()
            subprocess.run(
                [*("dvr-scan", "-i", str(named), "-so", "-q"), "--frame-skip", str(skip)],
                check=True,
                cwd=folder,
            )
            took.append((time.perf_counter() - at, processor_s() - worked))
        tell(f"dvr-scan, {'every picture' if not skip else f'one of {skip + 1}'}", took, seconds)


def processor_s() -> float:
    """Seconds of processor of this process, the children it has and those they have seen end."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if os.getpid() in {int(path.parent.name), int(fields[1])}:
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def tell(name: str, took: list[tuple[float, float]], seconds: int) -> None:
    """A row of the table."""
    wall, worked = (statistics.median(each) for each in zip(*took, strict=True))
    print(f"| {name} | {wall:.2f} | {worked:.2f} | {seconds / worked:.0f} |", flush=True)


def make_film(path: Path, apart: int, seconds: int) -> None:
    """A minute of a textured room with a square that wanders, over and over."""
    texture = np.random.default_rng(1).integers(40, 120, (135, 240, 3), dtype=np.uint8)
    room = np.kron(texture, np.ones((8, 8, 1), np.uint8))
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 1920, 1080, "yuv420p"
        stream.bit_rate, stream.gop_size = 4_000_000, apart * FPS
        stream.codec_context.max_b_frames = 0
        stream.options = {
            "preset": "ultrafast",
            "sc_threshold": "0",
            "minrate": "4M",
            "maxrate": "4M",
            "bufsize": "8M",
        }
        packets = []
        for number in range(60 * FPS):
            pixels = room.copy()
            if number > 30 * FPS:
                left = number * 6 % 1700
                pixels[400:620, left : left + 220] = 230
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            packets += stream.encode(frame)
        packets += stream.encode(None)
        base = packets[0].time_base
        whole = [(bytes(each), each.pts, each.dts, each.is_keyframe) for each in packets]
        for turn in range(seconds // 60):
            for data, pts, dts, key in whole:
                packet = av.Packet(data)
                packet.stream, packet.time_base, packet.is_keyframe = stream, base, key
                offset = turn * round(60 / base)
                packet.pts, packet.dts = (pts or 0) + offset, (dts or 0) + offset
                target.mux(packet)


if __name__ == "__main__":
    main()
