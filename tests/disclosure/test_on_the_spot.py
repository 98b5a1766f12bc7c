"""The police stand in the shop: released at once, within bounds, and reviewed by somebody else."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import av
import pytest

from cctv_vault.disclosure.verification import verify_package
from cctv_vault.errors import (
    AccessDeniedError,
    GateNotMetError,
    IntakeStoppedError,
    TransitionNotAllowedError,
)
from cctv_vault.footage.outfile import OutFile
from cctv_vault.people.actors import Actor, Role
from tests.shop import person

Shop = Any
SEEN = "tjänstekort visat i butiken"


@pytest.fixture
def usb(tmp_path: Path) -> Path:
    return tmp_path / "usb"


@pytest.fixture
def on_duty(quick_shop: Shop) -> Actor:
    staff: Actor = quick_shop.staff
    return replace(staff, on_the_spot=True)


def test_whoever_is_marked_for_it_hands_over_alone_and_another_reviews(
    quick_shop: Shop, on_duty: Actor, usb: Path
) -> None:
    spot = quick_shop.requests.on_the_spot(
        on_duty, quick_shop.body(matter__number=None), officer_seen=SEEN, out_dir=usb
    )

    assert spot.state == "under-review"
    # Monday at eight: by the end of Tuesday.
    assert spot.review_by == datetime.fromisoformat("2026-03-04T00:00:00+01:00")
    assert {path.name for path in usb.iterdir()} == set(spot.files)
    assert verify_package(usb / f"{spot.id}.zip", allow_simulated=True).sound
    (clip,) = usb.glob("*.mp4")
    with av.open(str(clip)) as opened:
        assert sum(1 for _ in opened.decode(video=0)) == 125
    assert clip.stat().st_mode & 0o777 == 0o600
    with pytest.raises(AccessDeniedError):
        quick_shop.requests.review(
            replace(on_duty, roles=frozenset({Role.PRIVACY_OFFICER})),
            spot.id,
            approve=True,
            reason="Jag gjorde rätt.",
        )
    reviewed = quick_shop.requests.review(
        quick_shop.approver, spot.id, approve=False, reason="Ärendenummer saknas."
    )
    assert reviewed.state == "acknowledged"
    shown = quick_shop.requests.show(quick_shop.officer, spot.id)
    assert shown.review_approved is False
    assert quick_shop.events(spot.id) == [
        *("request.received", "request.confirmed", "request.release-intended"),
        *("footage.export-intended", "request.released", "footage.exported", "request.reviewed"),
    ]


@pytest.mark.parametrize(
    ("changes", "seen", "says"),
    [
        ({"requester__type": "insurer", "ground__code": "GDPR 6.1 f"}, SEEN, "no release before"),
        ({"requester__type": "media", "ground__code": None}, SEEN, "no legal ground"),
        ({"ground__code": "RB 27:1"}, SEEN, "DSL 2:5"),
        ({"matter__offence": None}, SEEN, "offence"),
        ({}, " ", "officer must stand here"),
        (
            {
                "footage": [
                    {
                        "cameras": ["kassa"],
                        "from": "2026-03-01T00:00:00+01:00",
                        "to": "2026-03-02T00:00:00+01:00",
                    }
                ]
            },
            SEEN,
            "at most 60 minutes",
        ),
        (
            {
                "footage": [
                    {
                        "cameras": ["kassa"],
                        "from": "2026-03-01T12:00:00+01:00",
                        "to": "2026-03-01T12:10:00+01:00",
                    }
                ]
            },
            SEEN,
            "footage left",
        ),
    ],
)
def test_nothing_else_is_handed_over_on_the_spot(
    quick_shop: Shop, on_duty: Actor, usb: Path, *, changes: dict[str, Any], seen: str, says: str
) -> None:
    with pytest.raises(GateNotMetError, match=says):
        quick_shop.requests.on_the_spot(
            on_duty, quick_shop.body(**changes), officer_seen=seen, out_dir=usb
        )
    assert quick_shop.requests.list(quick_shop.officer) == ()
    assert not list(usb.glob("*"))
    assert quick_shop.refusals() == ["gate-not-met"]


def test_a_medium_too_small_for_all_of_it_spares_nobody_the_review(
    quick_shop: Shop, on_duty: Actor, usb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = OutFile.write

    def full_after_the_package(file: OutFile, data: bytes) -> int:
        if file.path is not None and file.path.name.endswith(".mp4"):
            raise IntakeStoppedError("no space is left on it")
        return write(file, data)

    monkeypatch.setattr(OutFile, "write", full_after_the_package)
    with pytest.raises(IntakeStoppedError):
        quick_shop.requests.on_the_spot(on_duty, quick_shop.body(), officer_seen=SEEN, out_dir=usb)

    (package,) = usb.iterdir()  # all of the footage has left
    (request,) = quick_shop.requests.list(quick_shop.officer, open_only=True)
    assert package.name == f"{request.id}.zip"
    assert request.state == "under-review"
    assert quick_shop.events(request.id)[-2:] == ["request.released", "footage.export-failed"]
    quick_shop.requests.review(quick_shop.approver, request.id, approve=True, reason="I ordning.")


def test_staff_who_are_not_marked_for_it_cannot(quick_shop: Shop, usb: Path) -> None:
    with pytest.raises(AccessDeniedError):
        quick_shop.requests.on_the_spot(
            quick_shop.staff, quick_shop.body(), officer_seen=SEEN, out_dir=usb
        )


def test_a_seizure_needs_no_mark_and_no_limit_but_the_same_review(
    quick_shop: Shop, usb: Path
) -> None:
    spot = quick_shop.requests.on_the_spot(
        quick_shop.staff,
        quick_shop.body(
            requester__type="seizure",
            ground__code="RB 27:1",
            ground__decision_maker="förundersökningsledare Åsa Åklagare",
        ),
        officer_seen="beslut av förundersökningsledare, tjänstekort visat",
        out_dir=usb,
    )
    assert quick_shop.requests.show(quick_shop.officer, spot.id).state == "under-review"


def test_an_overdue_review_stands_out_and_says_so_when_it_comes(
    quick_shop: Shop, on_duty: Actor, usb: Path
) -> None:
    spot = quick_shop.requests.on_the_spot(
        on_duty, quick_shop.body(), officer_seen=SEEN, out_dir=usb
    )
    quick_shop.pass_time(days=2)
    (listed,) = quick_shop.requests.list(quick_shop.officer, open_only=True)
    assert listed.overdue
    quick_shop.requests.review(quick_shop.approver, spot.id, approve=True, reason="I ordning.")
    (entry,) = quick_shop.vault.log.entries(event="request.reviewed")
    assert entry.facts["overdue"] is True


def test_the_usual_way_is_closed_once_footage_was_handed_over(
    quick_shop: Shop, on_duty: Actor, usb: Path
) -> None:
    spot = quick_shop.requests.on_the_spot(
        on_duty, quick_shop.body(), officer_seen=SEEN, out_dir=usb
    )
    with pytest.raises(TransitionNotAllowedError):
        quick_shop.requests.withdraw(quick_shop.handler, spot.id, "Ändrat sig.")


def test_footage_that_was_handed_over_stays_frozen_for_fourteen_days(
    quick_shop: Shop, on_duty: Actor, usb: Path
) -> None:
    spot = quick_shop.requests.on_the_spot(
        on_duty, quick_shop.body(), officer_seen=SEEN, out_dir=usb
    )
    until = quick_shop.requests.show(quick_shop.officer, spot.id).frozen_until
    assert until == quick_shop.vault.clock.now() + timedelta(days=14)


def test_an_emergency_needs_the_mark(quick_shop: Shop, usb: Path) -> None:
    body = quick_shop.body(requester__type="emergency", ground__code="GDPR 6.1 d")
    with pytest.raises(AccessDeniedError):
        quick_shop.requests.on_the_spot(person(Role.MANAGER), body, officer_seen="112", out_dir=usb)
