"""A package of 5 GB made and verified, beside zip -0 and sha256sum over the same bytes.

    .venv/bin/python benchmarks/package.py [--folder DIR] [--films N] [--rounds N]

Seals N films of 128 MiB into a vault in a temporary folder of DIR and approves a request for all of
their time; the package holds each film and one clip of the whole window, so twice the films' size.
Each round makes the package, with a copy on the disk, and verifies it; then ``zip -0`` packs the
very files of that package, and ``sha256sum`` hashes the zip. Prints a table in Markdown; the last
figures, with what they mean, are in README.md. Needs about ten times the films' size on the disk.
"""

import argparse
import os
import resource
import select
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from benchmarks.seal import (
    FILE_BYTES,
    MIB,
    TOP,
    encode,
    find,
    high_water,
    machine,
    repeat,
    say,
    tell,
    timed,
)
from cctv_vault.clock import SystemClock
from cctv_vault.people.actors import Actor, Role, system_actor
from cctv_vault.settings import Settings
from cctv_vault.vault import Vault

SYSTEM: Final = system_actor()
FILM_S: Final = 250
"""Seconds between the films' beginnings: they last a little longer."""

MAKE: Final = """
import sys, time
from pathlib import Path
from cctv_vault.people.actors import Actor, Role
from cctv_vault.settings import Settings
from cctv_vault.vault import Vault

folder = Path(sys.argv[1])
vault = Vault.open(Settings(
    home=folder / "home", keys=folder / "keys", user=None, token=None, database_url=None,
    s3_bucket=None, settle_s=0.0,
))
roles = frozenset({Role.MANAGER})
handler = Actor("u-Maja", "Maja", "password", roles, cleared=False, is_person=True)
began = time.perf_counter()
made = vault.requests.prepare(handler, (folder / "request").read_text(), folder / "p.zip")
seconds = time.perf_counter() - began
vault.close()
if made.clips != 1 or made.withheld:
    raise SystemExit("the package lacks its clip or an original")
print(seconds)
"""
VERIFY: Final = """
import sys, time
from pathlib import Path
from cctv_vault.disclosure.verification import verify_package

began = time.perf_counter()
verdict = verify_package(Path(sys.argv[1]))
seconds = time.perf_counter() - began
if not verdict.sound:
    raise SystemExit(f"the package is not sound: {verdict.findings}")
print(seconds)
"""


@dataclass
class Row:
    """One kind of work: what each round took, and the most memory of one of its processes.

    ``cpu_s`` is of all its processes, the start of the program among it.
    """

    name: str
    does: str
    seconds: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    peak_bytes: int = 0


def main() -> None:
    """Furnish the vault, run the rounds, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--films", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cctv-vault-benchmark-", dir=options.folder) as name:
        folder = Path(name)
        tell(f"sealing {options.films} films of {FILE_BYTES // MIB} MiB in {options.folder}")
        furnish(folder, options.films)
        rows = rounds(folder, options.rounds)
        report(rows, folder, options.rounds)


def rounds(folder: Path, count: int) -> tuple[list[Row], int]:
    """Every kind of work once a round; the rows, and the package's size in bytes."""
    made = Row("package made", "decrypted, checked, clip cut, hashed, sealed, read back, written")
    verified = Row("package verified", "every byte hashed twice over (SHA-256, CRC), all checks")
    zipped = Row("zip -0", "packed; CRC")
    hashed = Row("sha256sum", "the zip hashed")
    package, unpacked, archive = (folder / each for each in ("p.zip", "unpacked", "peer.zip"))
    size = 0
    for number in range(count):
        turn(made, MAKE, folder)
        turn(verified, VERIFY, package)
        size = package.stat().st_size
        if number == 0:
            timed([find("unzip", "unzip"), "-q", str(package), "-d", str(unpacked)])
        package.unlink()
        peer(zipped, [find("zip", "zip"), "-0", "-q", "-r", str(archive), str(unpacked)])
        peer(hashed, [find("sha256sum", "coreutils"), str(archive)])
        archive.unlink()
        tell(f"round {number + 1}: {[round(each.seconds[-1], 1) for each in (made, verified)]}")
    return [made, verified, zipped, hashed], size


def turn(row: Row, script: str, path: Path) -> None:
    """One turn of our own, in a process that does nothing else and tells what it took."""
    os.sync()
    before = cpu_s()
    with tempfile.TemporaryFile("w+") as said:
        command = [sys.executable, "-c", script, str(path)]
        process = subprocess.Popen(command, stdout=said, cwd=TOP)
        ended = os.pidfd_open(process.pid)
        while not select.select([ended], [], [], 0.05)[0]:
            for pid in (process.pid, *children(process.pid)):
                row.peak_bytes = max(row.peak_bytes, high_water(pid))
        os.close(ended)
        if process.wait():
            raise SystemExit(f"{row.name}: failed")
        said.seek(0)
        row.seconds.append(float(said.read()))
    row.cpu_s.append(cpu_s() - before)


def cpu_s() -> float:
    """Seconds of CPU of every program that was started and has ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def children(pid: int) -> list[int]:
    """The processes that a process's threads have started."""
    found: list[int] = []
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, listed.read_text(encoding="ascii").split())
        except OSError:
            continue  # the thread has ended
    return found


def peer(row: Row, command: list[str]) -> None:
    """One turn of a peer."""
    os.sync()
    before = cpu_s()
    taken = timed(command)
    row.cpu_s.append(cpu_s() - before)
    row.seconds.append(taken.seconds)
    row.peak_bytes = max(row.peak_bytes, taken.peak_bytes)


def report(found: tuple[list[Row], int], folder: Path, count: int) -> None:
    """The table, and on what it was measured."""
    rows, size = found
    say(f"{machine(folder)}, rounds: {count}, {size / 1e9:.2f} GB, {SystemClock().now():%Y-%m-%d}")
    say("")
    say("| | median s | fastest to slowest s | MiB/s | CPU s | peak MiB | what was done |")
    say("|---|---:|---:|---:|---:|---:|---|")
    for row in rows:
        middle = statistics.median(row.seconds)
        say(
            f"| {row.name} | {middle:.1f} | {min(row.seconds):.1f} to {max(row.seconds):.1f} "
            f"| {size / MIB / middle:.0f} | {statistics.median(row.cpu_s):.1f} "
            f"| {row.peak_bytes / MIB:.0f} | {row.does} |"
        )
    for what, figures in (
        ("time", [statistics.median(row.seconds) for row in rows]),
        ("CPU", [statistics.median(row.cpu_s) for row in rows]),
    ):
        made, verified, zipped, hashed = figures
        ratio = (made + verified) / (zipped + hashed)
        say(f"\nMade and verified, {what}: {ratio:.2f} × zip -0 and sha256sum.")


# --- the work -------------------------------------------------------------------------------------


def person(name: str, role: Role) -> Actor:
    """Somebody who may handle requests."""
    return Actor(f"u-{name}", name, "password", frozenset({role}), cleared=False, is_person=True)


def settings(folder: Path) -> Settings:
    """The vault's settings, untouched by the environment."""
    return Settings(
        home=folder / "home",
        keys=folder / "keys",
        user=None,
        token=None,
        database_url=None,
        s3_bucket=None,
        settle_s=0.0,
    )


def furnish(folder: Path, films: int) -> None:
    """A vault with the films, and an approved request for the time of all of them."""
    vault = Vault.create(settings(folder), "", controller="benchmark", zone="Europe/Stockholm")
    vault.register.add_camera(
        SYSTEM, "kassa", drop=folder / "drop", purpose="Theft at the till", view="Till", sound="no"
    )
    now = SystemClock().now()
    began = now - timedelta(seconds=FILM_S * (films + 2))
    encode(folder / "seed.mp4")
    for number in range(films):
        at = began + timedelta(seconds=FILM_S * number)
        film = folder / f"kassa_{at:%Y%m%dT%H%M%SZ}.mp4"
        repeat(folder / "seed.mp4", film, f"film {number}")
        (sealed,) = vault.ingest.offer_all(SYSTEM, [film], camera="kassa")
        if sealed.outcome != "sealed":
            raise SystemExit(f"a film was not sealed: {sealed.reason}")
    handler, approver = person("Maja", Role.MANAGER), person("Anders", Role.APPROVER)
    request = vault.requests.file(handler, body(began, films)).id
    vault.requests.verify(handler, request, "call-back", "switchboard")
    vault.requests.assess(handler, request, "Theft.", "All of it is needed.")
    vault.requests.decide(approver, request, approve=True, reason="Needed.")
    (folder / "request").write_text(request, encoding="utf-8")
    vault.close()


def body(began: datetime, films: int) -> dict[str, Any]:
    """The request."""
    until = began + timedelta(seconds=FILM_S * films)
    window = {"cameras": ["kassa"], "from": began.isoformat(), "to": until.isoformat()}
    return {
        "requester": {
            "type": "police",
            "authority": "Polismyndigheten",
            "unit": "Region Stockholm",
            "name": "Eva Exempel",
            "role": "utredare",
            "email": "eva@example.org",
            "phone": "114 14",
        },
        "ground": {"code": "DSL 2:5", "decision_maker": None, "document": None},
        "matter": {"number": "5000-K123456-26", "offence": "stöld"},
        "footage": [window],
        "description": "Theft.",
        "language": "sv",
        "delivery": "usb",
    }


if __name__ == "__main__":
    main()
