"""Small stills dropped into many folders while the watcher runs: how many are sealed a second.

    .venv/bin/python benchmarks/stills.py [--folder DIR] [--stills N] [--folders M]

Starts a vault with its watcher, drops N JPEG pictures of some 2 kB into M new folders below one
camera's drop folder, and waits until each is sealed, indexed, entered and removed at its source.
Prints the rate, the processor time a still takes, and checks that every one was sealed once. What
the last figures were, and what bounds them, is in README.md.
"""

import argparse
import os
import shutil
import tempfile
import threading
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from sqlmodel import col, func, select

from cctv_vault.custody.events import Event
from cctv_vault.people.actors import system_actor
from cctv_vault.schema import Recording
from cctv_vault.settings import Settings
from cctv_vault.vault import Vault

WIDTH, HEIGHT = 320, 240


def still(number: int) -> bytes:
    """A JPEG, another for each number."""
    pixels = np.random.default_rng(number).integers(0, 255, (6, 8, 3), np.uint8)
    codec = av.VideoCodecContext.create("mjpeg", "w")
    codec.width, codec.height, codec.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
    codec.time_base = Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
    shown = frame.reformat(WIDTH, HEIGHT, "yuvj420p")
    return b"".join(bytes(each) for each in (*codec.encode(shown), *codec.encode(None)))


def processor_s() -> float:
    """Seconds of processor of this process, of those it started, and of all they have buried."""
    tasks = Path("/proc/self/task").iterdir()
    started = {each for task in tasks for each in (task / "children").read_text().split()}
    used = 0.0
    for process in ("self", *started):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        # utime, stime, cutime and cstime: proc(5), the third field is the first one here
        used += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return used


def sealed(vault: Vault) -> int:
    """Stills whose source is gone, too."""
    with vault.database.read() as session:
        query = select(func.count()).where(col(Recording.source_state) == "removed")
        return session.exec(query.select_from(Recording)).one()


def measure(folder: Path, stills: int, folders: int) -> None:
    """One run; prints what it found."""
    settings = Settings(
        home=folder / "home",
        keys=folder / "home-keys",
        user=None,
        token=None,
        database_url=None,
        s3_bucket=None,
        settle_s=0.0,
        scan_s=5.0,
    )
    vault = Vault.create(settings, "", controller="benchmark", zone="Europe/Stockholm")
    drop = folder / "drop"
    vault.register.add_camera(
        system_actor(), "kassa", drop=drop, purpose="benchmark", view="nothing", sound="no"
    )
    day = time.strftime("%Y%m%d")
    data = [still(number) for number in range(stills)]
    # The first one starts the confined process in which all are looked at.
    first = drop / f"kassa_{day}_235959_first.jpg"
    first.write_bytes(still(stills))
    vault.ingest.offer(system_actor(), first)
    watcher = vault.watcher()
    watcher.start()
    began, used = time.perf_counter(), processor_s()
    for number, each in enumerate(data):
        place = drop / f"{number % folders:03d}"
        place.mkdir(exist_ok=True)
        (place / f"kassa_{day}_00{number // 60 % 60:02d}{number % 60:02d}_{number}.jpg").write_bytes(each)  # fmt: skip  # noqa: E501
    dropped = time.perf_counter() - began
    while sealed(vault) <= stills:
        threading.Event().wait(0.2)
    seconds, used = time.perf_counter() - began, processor_s() - used
    watcher.stop()
    entries = sum(
        len(vault.log.entries(event=Event.RECORDING_SEALED, after=after, limit=1000))
        for after in _pages(vault)
    )
    left = sum(path.is_file() for path in drop.rglob("*"))
    with vault.database.read() as session:
        rows = session.exec(select(func.count()).select_from(Recording)).one()
    vault.close()
    print(
        f"{stills} stills of {len(data[0])} bytes in {folders} folders, dropped in {dropped:.1f} s"
    )
    print(
        f"sealed, indexed and removed at their source in {seconds:.1f} s: {stills / seconds:.0f}/s"
    )
    print(
        f"{used / stills * 1000:.1f} ms of processor each; load {os.getloadavg()[0]:.1f} at the end"
    )
    print(f"rows {rows}, entries {entries}, files left {left}")
    if (rows, entries, left) != (stills + 1, stills + 1, 0):
        raise SystemExit("not every still was sealed exactly once")


def _pages(vault: Vault) -> list[int | None]:
    """Where each page of a thousand entries of the kind begins."""
    pages: list[int | None] = [None]
    while found := vault.log.entries(event=Event.RECORDING_SEALED, after=pages[-1], limit=1000):
        pages.append(found[-1].index)
    return pages[:-1]


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--stills", type=int, default=5000)
    parser.add_argument("--folders", type=int, default=500)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cctv-vault-stills-", dir=given.folder))
    try:
        measure(folder, given.stills, given.folders)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
