"""Writes the migration that makes all tables, from `cctv_vault/schema.py`.

Only while no version was released: afterwards every change is a migration of its own,
`alembic revision --autogenerate`, and what was released is never written again.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE))

from alembic import command  # noqa: E402
from alembic.config import Config  # noqa: E402

from cctv_vault.database import Database  # noqa: E402

VERSIONS = HERE / "cctv_vault" / "migrations" / "versions"


def main() -> None:
    """Replace the initial migration."""
    for old in VERSIONS.glob("*.py"):
        old.unlink()
    config = Config()
    config.set_main_option("script_location", str(VERSIONS.parent))
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/empty.db")
        with database._writer.connect() as connection:  # noqa: SLF001
            config.attributes["connection"] = connection
            command.revision(config, "all tables", autogenerate=True, rev_id="0001")
    written = next(VERSIONS.glob("*.py"))
    lines = written.read_text(encoding="utf-8").splitlines(keepends=True)
    written.write_text(
        "".join(line for line in lines if not line.lstrip().startswith("# ###")), encoding="utf-8"
    )
    subprocess.run(["ruff", "check", "--fix", "--quiet", written], check=True)
    subprocess.run(["ruff", "format", "--quiet", written], check=True)


if __name__ == "__main__":
    main()
