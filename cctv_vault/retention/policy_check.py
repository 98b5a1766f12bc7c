"""Whether a policy document may be published: every reason why not, in words, with its line. Pure.

`policy` reads the form; here its meaning is held against the guideline (table A), the statutes, and
what the register knows of sites and cameras. It refuses nothing itself: it tells.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cctv_vault.errors import InvalidInputError
from cctv_vault.retention.holidays_of import closed_days
from cctv_vault.retention.policy import Fault, Keep, Period, Policy, Purpose, StartsAt
from cctv_vault.retention.policy_lines import Path, line_of, lines_of

ORIGINS: Final = ("surveillance", "production")
_HOLIDAYS_FOR: Final = 2026  # any year will do to see whether a country is known
_DAY: Final = timedelta(days=1)

GUIDELINE: Final[dict[str, dict[str, str]]] = {
    "prevention": {"period": "72h", "ceiling": "120h"},
    "incident": {"period": "30d", "after_report": "90d", "extension": "30d"},
    "save-now": {"period": "24h"},
    "late-arrival": {"period": "24h"},
    "more-coming": {"period": "14d"},
    "course-marketing": {"period": "24mo"},
}
"""Table A: what is longer needs a written reason (IMY, EDPB 3/2019 § 121)."""

STATUTORY: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "preservation-order": {
        "period": ("90d", "RB 27:16"),
        "limit": ("180d", "RB 27:16"),
        "extension": ("90d", "RB 27:16"),
    },
    "trespass-ban": {"period": ("12mo", "lag 2021:34 23 §")},
}
"""What no reason lengthens."""

FIXED: Final = {
    "request-unconfirmed": "7d",
    "quarantine": "7d",
    "release-copy": "7d",
    "register": "5y",
}
"""Table A's periods that this product keeps by, whatever else a document says."""

HOLDS: Final = frozenset(
    {
        *("incident", "request-unconfirmed", "request", "save-now", "restriction", "more-coming"),
        *("preservation-order", "claim", "access-request", "trespass-ban"),
    }
)
WHOLE: Final = frozenset({"preservation-order", "restriction", "access-request"})
"""Holds that are somebody else's right to footage as it is, or their order: never cut."""
_KEEPERS: Final = ("quarantine", "late-arrival", "release-copy", "register")

_GDPR: Final = re.compile(r"GDPR 6\.1 [a-f](, [0-9]{1,2}(\.[0-9])?)*")
STATUTES: Final = frozenset(
    {
        *("DSL 2:5", "F219 5 § 1", "F219 5 § 2", "KBL 22 §", "KBL 24 §", "AML 7:3", "SFB 110:31"),
        *("RB 23:14", "RB 27:1", "RB 27:4", "RB 27:16", "RB 27:17", "RB 28:1"),
        *("RB 38:2", "RB 38:4", "RB 39:5", "lag 2021:34 23 §", "lag 2021:34 24 §"),
    }
)
"""The statutes a purpose may rest on, beside the letters of GDPR 6.1."""


@dataclass(frozen=True)
class KnownCamera:
    """What the register knows of a camera, as far as a policy asks."""

    code: str
    origin: str
    recorder_retention_days: int | None


@dataclass(frozen=True)
class Known:
    """The register: the sites there are, and the cameras."""

    sites: Collection[str]
    cameras: Sequence[KnownCamera]


@dataclass(frozen=True)
class Checked:
    """What a check found.

    ``faults`` forbid publication. ``recorders`` are what stands against the policy outside this
    vault: a recorder that keeps its own copy for longer. ``policy`` is None where the document
    cannot be read.
    """

    policy: Policy | None
    faults: tuple[Fault, ...]
    recorders: tuple[Fault, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether there is nothing to say."""
        return not (self.faults or self.recorders)


def check_policy(text: str, *, published_at: datetime, known: Known | None = None) -> Checked:
    """Every fault of a policy document.

    Args:
        text: The TOML document.
        published_at: When it was or will be published, aware.
        known: The register, or None where there is no vault to compare with.
    """
    policy, faults = Policy.read(text)
    if policy is None:
        return Checked(None, faults)
    check = _Check(text, policy)
    check.document(published_at)
    for purpose in policy.purposes.values():
        check.purpose(purpose)
    check.bases()
    if known is not None:
        check.register(known)
    return Checked(policy, _in_order(check.faults), _in_order(check.recorders))


def longest(purpose: Purpose) -> Period | None:
    """The longest a base purpose may come to keep."""
    if purpose.first_opening is not None and purpose.ceiling is not None:
        return purpose.ceiling
    return purpose.period


def _in_order(faults: Sequence[Fault]) -> tuple[Fault, ...]:
    return tuple(sorted(faults, key=lambda each: each.line))


class _Check:
    def __init__(self, text: str, policy: Policy) -> None:
        self.faults: list[Fault] = []
        self.recorders: list[Fault] = []
        self._policy = policy
        self._lines = lines_of(text)
        self._at = {code: number for number, code in enumerate(policy.purposes)}

    def _fault(self, path: Path, sentence: str) -> None:
        self.faults.append(Fault(line_of(self._lines, path), sentence))

    def _of(self, purpose: Purpose, name: str, sentence: str) -> None:
        path = ("purpose", self._at[purpose.code], name)
        self._fault(path, f"purpose {purpose.code}: {sentence}")

    # --- the document -------------------------------------------------------------------------

    def document(self, published_at: datetime) -> None:
        effective_at = self._policy.effective_at
        if effective_at is not None and effective_at < published_at:
            self._fault(
                ("effective_at",),
                f"it would take effect {effective_at.isoformat()}, before its publication "
                f"{published_at.isoformat()} (S17)",
            )
        try:
            closed_days(self._policy.holidays, _HOLIDAYS_FOR)
        except InvalidInputError as error:
            self._fault(("holidays",), str(error))
        for code in sorted({*HOLDS, *_KEEPERS} - self._policy.purposes.keys()):
            self._fault(
                ("purpose",), f"the purpose {code!r} is missing, without which nothing runs"
            )

    # --- one purpose --------------------------------------------------------------------------

    def purpose(self, purpose: Purpose) -> None:
        self._kind(purpose)
        self._periods(purpose)
        self._reviews(purpose)
        self._extending(purpose)
        for statute in purpose.statute.split(";"):
            if not (_GDPR.fullmatch(statute.strip()) or statute.strip() in STATUTES):
                self._of(
                    purpose,
                    "statute",
                    f"{statute.strip()!r} is no statute known here; write one like 'GDPR 6.1 f', "
                    f"or of {', '.join(sorted(STATUTES))}, several apart by ';'",
                )

    def _kind(self, purpose: Purpose) -> None:
        if purpose.keep is Keep.WINDOW and purpose.code in WHOLE:
            self._of(
                purpose,
                "keep",
                "it keeps what is stored as it is (table A; RB 27:16, GDPR 15 and 18); no reason "
                "lets it be cut",
            )
        if purpose.code in HOLDS and not purpose.hold:
            self._of(purpose, "hold", "it keeps windows of cameras, so 'hold' must be true")
        if purpose.code in _KEEPERS and purpose.hold:
            self._of(purpose, "hold", "it keeps by itself, so it cannot be a hold")
        if purpose.base_for is None:
            if purpose.cameras:
                self._of(purpose, "cameras", "only a purpose with 'base_for' names cameras")
            if purpose.first_opening is not None:
                self._of(purpose, "first_opening", "only a purpose with 'base_for' waits for it")
        else:
            self._base(purpose)

    def _base(self, purpose: Purpose) -> None:
        if purpose.base_for not in ORIGINS:
            self._of(purpose, "base_for", f"an origin is {' or '.join(ORIGINS)} (S1)")
        if purpose.hold:
            self._of(purpose, "hold", "what keeps footage from the start is no hold")
        if purpose.base_for == "surveillance":
            if "6.1 a" in purpose.statute or purpose.starts is StartsAt.CONSENT:
                self._of(
                    purpose, "statute", "surveillance never rests on consent (S9); no reason helps"
                )
            elif purpose.starts is not StartsAt.CAPTURE:
                self._of(purpose, "starts", "surveillance is counted from its capture (table A)")

    def _periods(self, purpose: Purpose) -> None:
        period, ceiling = purpose.period, purpose.ceiling
        if purpose.first_opening is not None and ceiling is None:
            self._of(purpose, "first_opening", "waiting for an opening day needs a 'ceiling'")
        if ceiling is not None and purpose.first_opening is None:
            self._of(purpose, "ceiling", "it bounds 'first_opening', which is not given")
        for name, other in (("ceiling", ceiling), ("limit", purpose.limit)):
            if other is not None and period is not None and period.exceeds(other):
                self._of(purpose, name, f"{other.text} is shorter than the period {period.text}")
        self._statutory(purpose)
        if not purpose.reason.strip():
            self._guideline(purpose)

    def _statutory(self, purpose: Purpose) -> None:
        period, fixed = purpose.period, FIXED.get(purpose.code)
        if fixed is not None and (period is None or period != Period.parse(fixed)):
            self._of(purpose, "period", f"it is {fixed} and cannot be set here (table A)")
        for name, (most, statute) in STATUTORY.get(purpose.code, {}).items():
            given = getattr(purpose, name)
            if given is not None and given.exceeds(Period.parse(most)):
                self._of(purpose, name, f"{given.text} is longer than {most} ({statute})")

    def _guideline(self, purpose: Purpose) -> None:
        guide = "prevention" if purpose.base_for == "surveillance" else purpose.code
        for name, most in GUIDELINE.get(guide, {}).items():
            given = getattr(purpose, name)
            if given is not None and given.exceeds(Period.parse(most)):
                self._of(
                    purpose,
                    name,
                    f"{given.text} is longer than the guideline's {most}; give the 'reason' why it "
                    "is needed (EDPB 3/2019 § 121), or shorten it",
                )

    def _reviews(self, purpose: Purpose) -> None:
        if purpose.review is None:
            for name in ("review_every", "review_before_end"):
                if getattr(purpose, name):
                    self._of(purpose, name, "there is no 'review' to which it could apply")
        elif not purpose.hold:
            self._of(purpose, "review", "only a hold has a day of review")
        elif purpose.period is not None and not purpose.period.exceeds(purpose.review):
            self._of(
                purpose,
                "review",
                f"{purpose.review.text} is not before the end, {purpose.period.text}",
            )

    def _extending(self, purpose: Purpose) -> None:
        if purpose.extension is None:
            for name in ("extend_by", "extensions"):
                if getattr(purpose, name):
                    self._of(purpose, name, "there is no 'extension' to which it could apply")
            return
        if not purpose.hold:
            self._of(purpose, "extension", "only a hold is extended")
        if not purpose.extend_by:
            self._of(purpose, "extension", "say in 'extend_by' which roles may extend it")

    # --- what keeps footage from the start ----------------------------------------------------

    def bases(self) -> None:
        """For every origin one purpose for all cameras, and at most one more for each camera."""
        taken: dict[tuple[str, str], str] = {}
        for purpose in self._policy.purposes.values():
            for camera in purpose.cameras or ("",):
                if purpose.base_for is None:
                    continue
                other = taken.setdefault((purpose.base_for, camera), purpose.code)
                if other != purpose.code:
                    what = f"the camera {camera}" if camera else f"all {purpose.base_for}"
                    name = "cameras" if camera else "base_for"
                    self._of(purpose, name, f"{other} keeps {what} from the start already")
        for origin in ORIGINS:
            if (origin, "") not in taken:
                self._fault(
                    ("purpose",), f"no purpose is 'base_for' {origin} without naming cameras"
                )

    # --- against the register -----------------------------------------------------------------

    def register(self, known: Known) -> None:
        """What names something that is not there, and recorders that keep for longer."""
        for code in self._policy.sites:
            if code not in known.sites:
                there = ", ".join(sorted(known.sites)) or "none yet"
                self._fault(("site", code), f"there is no site {code!r}; the sites are {there}")
        origins = {each.code: each.origin for each in known.cameras}
        for purpose in self._policy.purposes.values():
            for code in purpose.cameras:
                if code not in origins:
                    there = ", ".join(sorted(origins)) or "none yet"
                    self._of(
                        purpose, "cameras", f"there is no camera {code!r}; the cameras are {there}"
                    )
                elif purpose.base_for not in {None, origins[code]}:
                    self._of(purpose, "cameras", f"{code} is of origin {origins[code]} (S1)")
        for camera in known.cameras:
            for sentence, path in self._recorder(camera):
                self.recorders.append(Fault(line_of(self._lines, path), sentence))

    def _recorder(self, camera: KnownCamera) -> Iterator[tuple[str, Path]]:
        try:
            base = self._policy.base(camera.origin, camera.code)
        except InvalidInputError:
            return
        most = longest(base)
        if camera.recorder_retention_days is None or most is None:
            return
        its = Period(f"{camera.recorder_retention_days}d", _DAY * camera.recorder_retention_days, 0)
        if its.exceeds(most):
            name = "period" if most is base.period else "ceiling"
            sentence = (
                f"the recorder of camera {camera.code} keeps its own copy for {its.text}, longer "
                f"than {base.code} allows ({most.text}); set it to overwrite sooner"
            )
            yield sentence, ("purpose", self._at[base.code], name)
