"""What the story and the living shop share: a temporary home, four cameras, a request.

Owns the make-believe: names, places and texts of a shop that does not exist. It refuses to look at
the settings of the person at the keyboard, so that a demonstration never touches a real vault.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from cctv_vault.people.actors import Actor
from cctv_vault.settings import Settings
from cctv_vault.vault import Vault
from cctv_vault.views import iso

CONTROLLER: Final = "Exempelbutiken AB, 556000-0000"
ZONE: Final = "Europe/Stockholm"
OPENING: Final = {
    **{day: [["10:00", "19:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
    "sat": [["10:00", "16:00"]],
    "sun": [["11:00", "16:00"]],
}
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder only its maker can enter is made in it
_ENOUGH_BYTES: Final = 1 << 30


@dataclass(frozen=True)
class ShopCamera:
    """One camera of the shop; ``scene`` is what `cctv_vault.demo.cameras` draws."""

    code: str
    name: str
    place: str
    scene: str
    purpose: str
    view: str


CAMERAS: Final = (
    ShopCamera(
        *("entre", "Entrén", "över dörren, från insidan", "entrance"),
        "förebygga och utreda rån och stöld vid entrén",
        "dörren och två meter golv",
    ),
    ShopCamera(
        *("kassa", "Kassan", "i taket bakom kassan", "checkout"),
        "förebygga och utreda rån, hot och stöld vid kassan",
        "disken och kassalådan, inte skärmen",
    ),
    ShopCamera(
        *("gang", "Gången", "hyllornas gavel", "aisle"),
        "förebygga och utreda stöld ur hyllorna",
        "gången mellan hyllorna",
    ),
    ShopCamera(
        *("lager", "Lagret", "vid lastporten", "stockroom"),
        "förebygga och utreda inbrott genom lastporten",
        "porten och pallplatserna",
    ),
)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder of this run's own, in memory where there is room, gone afterwards."""
    in_memory = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _ENOUGH_BYTES
    with tempfile.TemporaryDirectory(
        prefix="cctv-vault-demo-",
        dir=_MEMORY if in_memory else None,
        ignore_cleanup_errors=True,
    ) as name:
        yield Path(name)


def demo_settings(folder: Path, *, settle_s: float = 0.0) -> Settings:
    """Settings of a vault in ``folder``, whatever the environment says of another.

    ``settle_s`` is how many seconds a file must have been unchanged before it is taken in.
    """
    return Settings(
        home=folder / "home",
        keys=folder / "home-keys",
        user=None,
        token=None,
        database_url=None,
        s3_bucket=None,
        settle_s=settle_s,
        scan_s=5.0,
        sweep_s=60.0,
    )


def furnish(vault: Vault, actor: Actor, drop: Path) -> dict[str, Path]:
    """Register the shop and its cameras; returns each camera's drop folder."""
    vault.register.add_site(actor, "butik", name="Exempelbutiken", zone=ZONE, opening=OPENING)
    folders: dict[str, Path] = {}
    for camera in CAMERAS:
        folders[camera.code] = drop / camera.code
        vault.register.add_camera(
            actor,
            camera.code,
            drop=folders[camera.code],
            site="butik",
            name=camera.name,
            place=camera.place,
            zone=ZONE,
            purpose=camera.purpose,
            view=camera.view,
            sound="no",
            recorder_retention_days=3,
        )
    return folders


def police_request(
    cameras: tuple[str, ...], start: datetime, end: datetime, *, number: str, description: str
) -> dict[str, Any]:
    """A request as the police would file it, for one window of some cameras."""
    return {
        "requester": {
            "type": "police",
            "authority": "Polismyndigheten",
            "unit": "Region Stockholm, lokalpolisområde Solna",
            "name": "Eva Exempel",
            "role": "utredare",
            "email": "eva.exempel@example.org",
            "phone": "114 14",
        },
        "ground": {"code": "DSL 2:5"},
        "matter": {"number": number, "offence": "stöld"},
        "footage": [{"cameras": list(cameras), "from": iso(start), "to": iso(end)}],
        "description": description,
        "language": "sv",
        "delivery": "usb",
    }
