"""Sealing 1 GiB in 8 films, end to end, beside what people use today, in the same run.

    .venv/bin/python benchmarks/seal.py [--folder DIR] [--rounds N]

Makes eight films of 128 MiB (H.264, 4 Mbit/s) in a temporary folder of DIR, then lets every
contender work on the same eight files in each round, each round beginning with another contender.
Prints a table in Markdown: median and span of the seconds, the rate, the ratio to ``cp``, and the
highest memory of the processes. What is compared with what, and the last figures, are in README.md.

Needs Debian's packages ``age`` and ``rclone`` for the rows of their names; a missing peer is
reported as absent.
"""

import argparse
import json
import os
import platform
import re
import secrets
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from cctv_vault.clock import SystemClock

FILES = 8
FILE_BYTES = 128 * 1024 * 1024
MIB = 1024 * 1024
TOTAL_BYTES = FILES * FILE_BYTES
FPS = 15
GROUP_FRAMES = 480
WIDTH, HEIGHT = 1280, 720
BIT_RATE = 4_000_000
TOP = Path(__file__).resolve().parent.parent

INGEST = """
import json, sys, time
from pathlib import Path
from cctv_vault.people.actors import system_actor
from cctv_vault.settings import Settings
from cctv_vault.vault import Vault

folder, films = Path(sys.argv[1]), Path(sys.argv[2])
settings = Settings(
    home=folder / "home", keys=folder / "home-keys", user=None, token=None, database_url=None,
    s3_bucket=None, settle_s=0.0,
)
vault = Vault.create(settings, "", controller="benchmark", zone="Europe/Stockholm")
vault.register.add_camera(
    system_actor(), "kassa", drop=folder / "drop", purpose="tills", view="the tills", sound="no"
)
began = time.perf_counter()
outcomes = [
    each.outcome
    for each in vault.ingest.offer_all(
        system_actor(), sorted(films.iterdir()), camera="kassa", keep_source=True
    )
]
seconds = time.perf_counter() - began
vault.close()
print(json.dumps({"seconds": seconds, "outcomes": outcomes}))
"""


@dataclass(frozen=True)
class Turn:
    """What one process, or several one after another, took; memory is the highest of any."""

    seconds: float
    peak_bytes: int
    said: str = ""

    def __add__(self, other: "Turn") -> "Turn":
        return Turn(self.seconds + other.seconds, max(self.peak_bytes, other.peak_bytes))


@dataclass
class Contender:
    """One way to treat the films; ``run`` does it once into a folder of its own."""

    name: str
    does: str
    run: Callable[[Path, Path], Turn]
    seconds: list[float] = field(default_factory=list)
    peak_bytes: int = 0


class Absent(Exception):  # noqa: N818 - not an error: a peer that is not installed
    """A peer's program is not there; the message says which package brings it."""


def main() -> None:
    """Make the films, run the rounds, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cctv-vault-benchmark-", dir=options.folder) as name:
        folder = Path(name)
        films = folder / "films"
        films.mkdir()
        tell(f"making {FILES} films of {FILE_BYTES // MIB} MiB in {options.folder}")
        make_films(films)
        entered, absent = contenders(folder)
        for number in range(options.rounds):
            turn = number % len(entered)
            for contender in entered[turn:] + entered[:turn]:
                run_once(contender, films, folder)
                tell(f"round {number + 1}: {contender.name} {contender.seconds[-1]:.2f} s")
        report(entered, absent, options.folder, options.rounds)


def run_once(contender: Contender, films: Path, folder: Path) -> None:
    """One turn, with what earlier turns still owe the disk written first."""
    target = folder / "out"
    target.mkdir()
    os.sync()
    turn = contender.run(films, target)
    contender.seconds.append(turn.seconds)
    contender.peak_bytes = max(contender.peak_bytes, turn.peak_bytes)
    shutil.rmtree(target)


# --- the contenders -------------------------------------------------------------------------------


def contenders(folder: Path) -> tuple[list[Contender], list[str]]:
    """Who takes part, and who is absent and why."""
    entered: list[Contender] = []
    absent: list[str] = []
    for make in (vault, copy, copy_and_sync, openssl, age, rclone):
        try:
            entered.append(make(folder))
        except Absent as reason:
            absent.append(str(reason))
    return entered, absent


def vault(_folder: Path) -> Contender:
    """The product: probe, seal, sync, read back, index, custody entry."""

    def run(films: Path, target: Path) -> Turn:
        turn = timed([sys.executable, "-c", INGEST, str(target), str(films)])
        said = json.loads(turn.said)
        if said["outcomes"] != ["sealed"] * FILES:
            raise SystemExit(f"not every film was sealed: {said['outcomes']}")
        # Neither Python's start nor the making of the vault is part of a sealing.
        return Turn(float(said["seconds"]), turn.peak_bytes)

    return Contender(
        "cctv_vault",
        "probed, hashed, encrypted, synced, read back from the disk, indexed, entered in the log",
        run,
    )


def copy(_folder: Path) -> Contender:
    """A plain copy, still in the page cache when it ends."""
    program = find("cp", "coreutils")

    def run(films: Path, target: Path) -> Turn:
        return timed([program, *paths(films), str(target)])

    return Contender("cp", "copied; nothing hashed, encrypted or synced", run)


def copy_and_sync(_folder: Path) -> Contender:
    """A plain copy that is on the disk when it ends, as a sealing is."""
    program, sync = find("cp", "coreutils"), find("sync", "coreutils")

    def run(films: Path, target: Path) -> Turn:
        copied = timed([program, *paths(films), str(target)])
        return copied + timed([sync, *paths(target)])

    return Contender("cp, then sync", "copied and synced; not read back", run)


def openssl(_folder: Path) -> Contender:
    """A hash of each film, and nothing written."""
    program = find("openssl", "openssl")

    def run(films: Path, _target: Path) -> Turn:
        return timed([program, "dgst", "-sha256", *paths(films)])

    return Contender("openssl dgst -sha256", "read and hashed; nothing written", run)


def age(folder: Path) -> Contender:
    """Each film encrypted to a recipient."""
    program, keygen = find("age", "age"), find("age-keygen", "age")
    identity = folder / "age.key"
    subprocess.run([keygen, "-o", identity], check=True, capture_output=True)
    recipient = subprocess.run(
        [keygen, "-y", identity], check=True, capture_output=True, text=True
    ).stdout.strip()

    def run(films: Path, target: Path) -> Turn:
        turns = (
            timed([program, "-r", recipient, "-o", str(target / Path(film).name), film])
            for film in paths(films)
        )
        return sum(turns, start=Turn(0, 0))

    return Contender("age", "encrypted; not hashed, synced or read back", run)


def rclone(_folder: Path) -> Contender:
    """The films copied into a crypt remote on the same disk."""
    program = find("rclone", "rclone")
    obscured = subprocess.run(
        [program, "obscure", secrets.token_hex(16)], check=True, capture_output=True, text=True
    ).stdout.strip()

    def run(films: Path, target: Path) -> Turn:
        environment = {
            **os.environ,
            "RCLONE_CONFIG": "/dev/null",
            "RCLONE_CONFIG_SEALED_TYPE": "crypt",
            "RCLONE_CONFIG_SEALED_REMOTE": str(target),
            "RCLONE_CONFIG_SEALED_PASSWORD": obscured,
        }
        return timed([program, "--quiet", "copy", str(films), "sealed:"], environment)

    return Contender("rclone crypt", "encrypted, 4 files at once; not synced or read back", run)


def find(program: str, package: str) -> str:
    """Where a program is, or `Absent`."""
    found = shutil.which(program)
    if found is None:
        raise Absent(f"{program} is absent; Debian's package {package} brings it")
    return found


def paths(folder: Path) -> list[str]:
    """The files of a folder, in order."""
    return sorted(str(path) for path in folder.iterdir())


def timed(command: list[str], environment: dict[str, str] | None = None) -> Turn:
    """Run one program to its end."""
    with tempfile.TemporaryFile("w+") as said:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=said, env=environment, cwd=TOP)
        ended = os.pidfd_open(process.pid)
        peak = 0
        # The kernel's own high-water mark, read while it lasts: what wait4(2) tells is not it,
        # because it counts the memory of whoever started the program.
        while not select.select([ended], [], [], 0.02)[0]:
            peak = max(peak, high_water(process.pid))
        seconds = time.perf_counter() - began
        os.close(ended)
        if process.wait():
            raise SystemExit(f"{Path(command[0]).name} failed with {process.returncode}")
        said.seek(0)
        return Turn(seconds, peak, said.read())


def high_water(pid: int) -> int:
    """The most memory a process has had at once, in bytes; 0 where it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


# --- the films ------------------------------------------------------------------------------------


def make_films(folder: Path) -> None:
    """Eight films: half a minute of noise over a drifting gradient, muxed again and again."""
    seed = folder.parent / "seed.mp4"
    encode(seed)
    for number in range(FILES):
        # Recent, and one after the other, as a camera's files are.
        began = SystemClock().now() - timedelta(minutes=5 * (FILES - number))
        film = folder / f"kassa_{began:%Y%m%dT%H%M%SZ}.mp4"
        repeat(seed, film, f"film {number}")
        size = film.stat().st_size
        with film.open("ab") as file:  # to the exact size with a box that players skip
            missing = FILE_BYTES - size
            file.write(missing.to_bytes(4, "big") + b"free" + bytes(missing - 8))


def encode(path: Path) -> None:
    """Half a minute as a camera codes it."""
    noise = np.random.default_rng(1)
    slope = np.linspace(0, 160, WIDTH, dtype=np.uint8)
    with av.open(str(path), "w") as film:
        stream: Any = film.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.bit_rate = BIT_RATE
        stream.gop_size = 2 * FPS
        stream.options = {"preset": "ultrafast", "tune": "zerolatency"}
        for number in range(GROUP_FRAMES):
            picture = np.roll(slope, number * 4)[None, :, None].repeat(HEIGHT, 0).repeat(3, 2)
            grain = noise.integers(0, 64, (HEIGHT, WIDTH, 1), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(picture + grain, format="bgr24")
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))


def repeat(seed: Path, path: Path, title: str) -> None:
    """The seed's packets again and again, until the file is just short of its size."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as film:
        film.metadata["title"] = title
        stream: Any = None
        lap, written = 0, 0
        while True:
            with av.open(str(seed)) as source:
                video = source.streams.video[0]
                stream = stream or film.add_stream_from_template(video)
                base = Fraction(1) / (video.time_base or Fraction(1, 90_000))
                length = int(GROUP_FRAMES * base / FPS)
                for packet in source.demux(video):
                    if packet.dts is None or packet.pts is None:
                        continue
                    # What is left is for the index of the packets.
                    if written + packet.size > FILE_BYTES - MIB:
                        return
                    written += packet.size
                    packet.pts += lap * length
                    packet.dts += lap * length
                    packet.stream = stream
                    film.mux(packet)
            lap += 1


# --- the report -----------------------------------------------------------------------------------


def report(entered: list[Contender], absent: list[str], folder: Path, rounds: int) -> None:
    """The table, and on what it was measured."""
    base = next(statistics.median(each.seconds) for each in entered if each.name == "cp")
    say(f"{machine(folder)}, {rounds} interleaved rounds, {SystemClock().now():%Y-%m-%d}")
    say("")
    say("| | median s | fastest to slowest s | MiB/s | × cp | peak MiB | what was done |")
    say("|---|---:|---:|---:|---:|---:|---|")
    for each in entered:
        median = statistics.median(each.seconds)
        say(
            f"| {each.name} | {median:.2f} | {min(each.seconds):.2f} to {max(each.seconds):.2f} "
            f"| {TOTAL_BYTES / MIB / median:.0f} | {median / base:.2f} "
            f"| {each.peak_bytes / MIB:.0f} | {each.does} |"
        )
    for reason in absent:
        say(f"\nAbsent: {reason}")


def machine(folder: Path) -> str:
    """Cores and filesystem; nothing that names the machine."""
    found = subprocess.run(
        [find("df", "coreutils"), "--output=fstype", folder],
        check=True,
        capture_output=True,
        text=True,
    )
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores ({platform.machine()}), {found.stdout.split()[-1]}"


def say(line: str) -> None:
    """A line of the result."""
    print(line)


def tell(line: str) -> None:
    """A line of progress."""
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main()
