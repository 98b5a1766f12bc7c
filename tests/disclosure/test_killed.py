"""kill -9 while a package's copy is written: nothing half stays, and the next start enters it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from cctv_vault.disclosure.verification import verify_package
from cctv_vault.schema import Intent
from cctv_vault.vault import Vault
from tests.shop import settings_of

Shop = Any

# Dies in the middle of the copy, or once the file has its name and before that is entered.
CHILD = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.shop import MANAGER, settings_of
from cctv_vault.footage import outfile
from cctv_vault.vault import Vault
folder, request, where, unnamed = Path(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5]
if unnamed == "no":
    outfile._unnamed = lambda _folder: None
step = "write" if where == "writing" else "finish"
real = getattr(outfile.OutFile, step)
def die(file, *arguments):
    real(file, *arguments)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(outfile.OutFile, step, die)
vault = Vault.open(settings_of(folder))
vault.requests.prepare(MANAGER, request, folder / "out" / "package.zip")
"""


@pytest.mark.parametrize("unnamed", ["yes", "no"])
@pytest.mark.parametrize("where", ["writing", "named"])
def test_killed_while_a_packages_copy_is_written_the_next_start_enters_how_it_ended(
    quick_shop: Shop, repository: Path, where: str, unnamed: str
) -> None:
    request = quick_shop.approved()
    out = quick_shop.folder / "out" / "package.zip"
    out.parent.mkdir()
    quick_shop.vault.close()
    arguments = map(str, (repository, quick_shop.folder, request, where, unnamed))
    died = subprocess.run([sys.executable, "-c", CHILD, *arguments], check=False)
    assert died.returncode == -9
    left = [each.name for each in out.parent.iterdir()]
    assert len(left) == (0 if (where, unnamed) == ("writing", "yes") else 1)

    vault = Vault.open(settings_of(quick_shop.folder))
    quick_shop.vault = vault
    try:
        ended = quick_shop.events(request)[-1]
        shown = vault.requests.show(quick_shop.officer, request)
        told = " ".join(line.en for line in shown.history)
        if where == "writing":
            assert list(out.parent.iterdir()) == []
            assert ended == "footage.export-failed"
            assert "nothing of it is left" in told
        else:
            assert verify_package(out, allow_simulated=True).sound
            assert ended == "footage.exported"
            assert "counts as handed over" in told
        assert shown.state == "prepared"
        with vault.database.read() as session:
            assert session.exec(select(Intent)).all() == []
        Vault.open(settings_of(quick_shop.folder)).close()
        assert quick_shop.events(request)[-1] == ended
        assert quick_shop.events(request).count(ended) == 1
    finally:
        vault.close()
