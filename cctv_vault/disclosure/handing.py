"""Handing over: the package of a decided request, its link or its copy, its receipt.

Owns the acts by which footage leaves for good. Each is announced before the first byte leaves and
entered after the last. Refuses a package without its gate, and a link after five wrong codes.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final, cast

from sqlalchemy import select
from sqlmodel import Session, col

from cctv_vault.custody.canonical import Json
from cctv_vault.custody.events import Event
from cctv_vault.disclosure.cases import (
    APPROVED,
    footage_in,
    frames_of,
    load,
    open_json,
    sight_of,
    told_of,
    windows_of,
)
from cctv_vault.disclosure.codes import (
    checked_passphrase,
    new_pickup_code,
    new_token,
    token_hash,
)
from cctv_vault.disclosure.desk import Step
from cctv_vault.disclosure.intake import CHANNELS, read_note
from cctv_vault.disclosure.packaging import Made, copy_out, may_leave, revoke_links
from cctv_vault.disclosure.receiving import Receiving
from cctv_vault.disclosure.results import (
    Collected,
    Moved,
    PreparedPackage,
    Released,
)
from cctv_vault.disclosure.windows import Window
from cctv_vault.disclosure.workflow import Action, State
from cctv_vault.errors import (
    AccessDeniedError,
    ExpiredError,
    InvalidInputError,
    NotFoundError,
    OnHoldError,
    TransitionNotAllowedError,
)
from cctv_vault.footage.departures import Departure
from cctv_vault.footage.outfile import check_target
from cctv_vault.ids import long_id
from cctv_vault.ledger import Act
from cctv_vault.people.actors import PORTAL_ACTOR, Actor, Right, system_actor
from cctv_vault.schema import DownloadLink, Package, Request
from cctv_vault.views import iso
from storage.passphrase import PassphraseLock
from storage.stream import SealedReader

ATTEMPTS: Final = 5
LINK_LASTS: Final = timedelta(days=14)
COPY_LASTS_AFTER_RECEIPT: Final = timedelta(days=7)
_COLLECTED_IN: Final = frozenset({State.RELEASED, State.ACKNOWLEDGED, State.CLOSED})
"""Where a link may still be used: what was received may be fetched again until its copy ends."""
LOCKED: Final = ".locked"
"""What the name of an encrypted package ends in."""
_COPY: Final = "package-copy"


class Handing(Receiving):
    """From decision to receipt, and the paths of the law before a decision."""

    # --- the package --------------------------------------------------------------------------

    def prepare(
        self,
        actor: Actor,
        request_id: str,
        out: Path | BinaryIO | None = None,
        progress: Callable[[int], None] | None = None,
        passphrase: str | None = None,
    ) -> PreparedPackage:
        """Make the package of an approved request; it lies sealed until it is handed over.

        Args:
            actor: Who handles the request.
            request_id: Its reference.
            out: Where a decrypted copy goes, for release on a medium; a new file, or a stream.
            progress: Called with each number of original bytes written.
            passphrase: One of `codes.new_passphrase`, to encrypt the copy with; kept nowhere.

        Raises:
            GateNotMetError: A requirement is unmet, masking among them where table B demands it.
            AlreadyExistsError: There is a file of that name.
            DamagedError: An original is not what was sealed.
        """
        with self._step(actor, request_id, Action.PREPARE, Event.REQUEST_PREPARED) as step:
            windows = self._may_prepare(step, Action.PREPARE)
            if isinstance(out, Path):
                check_target(out)
            if passphrase is not None:
                checked_passphrase(passphrase)
            decision = open_json(step.act.session, self._keyring, step.row.decision_text)
            frames = frames_of(step.act.session, request_id)
            row, now = step.row, step.act.now
        made = self._packaging.make(
            row,
            windows,
            now,
            sound_allowed=decision.get("sound") is True,
            progress=progress or (lambda _count: None),
            sight=sight_of(actor, row),
        )
        try:
            with self._step(actor, request_id, Action.PREPARE, Event.REQUEST_PREPARED) as step:
                # It was made while nothing was locked: the case must still be what it was.
                still(windows, self._may_prepare(step, Action.PREPARE))
                still(frames, frames_of(step.act.session, request_id))
                package = self._packaging.keep(step.act.session, step.row, made, step.act.now)
                self._move(
                    step.act,
                    step.row,
                    Action.PREPARE,
                    facts=package_facts(made),
                    also=(made.package_id,),
                )
                departure = None if out is None else self._announce(step.act, request_id, made, out)
        except BaseException:
            self._packaging.discard(made.package_id)
            raise
        if out is not None and departure is not None:
            self._write_copy(actor, package, out, departure, passphrase)
        return PreparedPackage(
            id=request_id,
            state=State.PREPARED.value,
            package_id=package.id,
            size=package.size,
            sha256=package.sha256,
            tag_manifest=made.built.tag_manifest,
            originals=made.built.originals,
            clips=made.built.clips,
            withheld=made.built.withheld,
            frames=made.built.frames,
            until=package.until,
        )

    def open_package(
        self, actor: Actor, request_id: str, passphrase: str | None = None
    ) -> Collected:
        """The prepared or released package, for the medium it is handed over on.

        Encrypted where a ``passphrase`` of `codes.new_passphrase` is given, which is kept nowhere.

        Raises:
            InvalidInputError: The passphrase is not one of ours.
            TransitionNotAllowedError: Nothing is prepared, or it went out by link.
            ExpiredError: The package has ended.
        """
        event = Event.FOOTAGE_EXPORTED
        with self._ledger.act(event, actor, subject=request_id) as act:
            row = load(act.session, request_id, actor)
            actor.require(Right.REQUEST_HANDLE)
            if row.state not in {State.PREPARED, State.RELEASED, State.UNDER_REVIEW}:
                raise TransitionNotAllowedError(
                    f"the request is {row.state}: only what is prepared can be copied to a medium"
                )
            if row.channel == "link":
                raise TransitionNotAllowedError("the package was released by link: it is collected")
            self._require_usable(act.session, row, act.now)
            may_leave(act.session, actor, row, act.now)
            secret = None if passphrase is None else checked_passphrase(passphrase)
            package = self._packaging.newest(act.session, request_id, act.now)
            reader = self._packaging.open(act.session, package, act.now)
            # Entered as it begins to leave: how much of it arrives nobody here can know.
            act.record(
                event,
                request_id,
                facts={
                    "package": package.id,
                    "size": package.size,
                    "sha256": package.sha256.hex(),
                    "encrypted": secret is not None,
                },
                also=(package.id,),
            )
        if secret is None:
            return _collected(package, reader, lambda: self._reader(package))
        lock = PassphraseLock(secret)  # one for all openings: each gives the same bytes
        first = lock.sealed(cast("BinaryIO", reader), package.size)
        return Collected(
            reader=cast("BinaryIO", first),
            again=lambda: cast(
                "BinaryIO", lock.sealed(cast("BinaryIO", self._reader(package)), package.size)
            ),
            size=first.size,
            sha256=package.sha256,
            name=f"{package.request_id}.zip{LOCKED}",
        )

    # --- release ------------------------------------------------------------------------------

    def release(self, actor: Actor, request_id: str, channel: str) -> Released:
        """Release a prepared package, by link and code, on USB, or in person.

        A link and its code are told this once; they travel apart. Releasing again by link, while
        nothing was collected, makes the earlier link worthless.

        Raises:
            InvalidInputError: There is no such channel.
            GateNotMetError: A requirement is unmet.
            NotFoundError: The package has ended; prepare it again.
        """
        token, code = new_token(), new_pickup_code()
        code_hash = self._codes.hash(code)
        with self._step(actor, request_id, Action.RELEASE, Event.REQUEST_RELEASED) as step:
            act, row = step.act, step.row
            if channel not in CHANNELS:
                raise InvalidInputError(f"the channel must be one of: {', '.join(CHANNELS)}")
            self._may_prepare(step, Action.RELEASE)
            if row.state == State.RELEASED and self._facts(step).collected:
                raise TransitionNotAllowedError("the package has left the vault already")
            package = self._packaging.newest(act.session, request_id, act.now)
            revoke_links(act.session, request_id, act.now)
            expires = min(act.now + LINK_LASTS, package.until) if channel == "link" else None
            if expires is not None:
                act.session.add(
                    DownloadLink(
                        token_hash=token_hash(token),
                        package_id=package.id,
                        code_hash=code_hash,
                        attempts_left=ATTEMPTS,
                        expires_at=expires,
                        created_at=act.now,
                    )
                )
            package.state = "released"
            act.session.add(package)
            row.channel, row.released_at = channel, act.now
            self._move(
                act,
                row,
                Action.RELEASE,
                facts={
                    "channel": channel,
                    "package": package.id,
                    "sha256": package.sha256.hex(),
                    "link_expires": None if expires is None else iso(expires),
                },
                also=(package.id,),
            )
            if expires is not None:
                self._notices.released(act, row, token)
            return Released(
                id=request_id,
                state=row.state,
                channel=channel,
                token=None if expires is None else token,
                code=None if expires is None else code,
                expires_at=expires,
            )

    def collect(self, token: str, code: str) -> Collected:
        """Open a released package for whoever has both its link and its code.

        A broken download may be begun again until the link expires; five wrong codes end it.

        Raises:
            NotFoundError: There is no such link, or it is revoked or used up.
            ExpiredError: The link or the package has ended.
            AccessDeniedError: The code is wrong.
            TransitionNotAllowedError: Its footage is restricted, or its release was taken back.
        """
        hashed = token_hash(token)
        wrong = 0
        reader: SealedReader | None = None
        with self._ledger.act(Event.REQUEST_COLLECTED, PORTAL_ACTOR) as act:
            link = act.session.get(DownloadLink, hashed, with_for_update=True)
            usable = link is not None and link.revoked_at is None and link.attempts_left > 0
            right = self._codes.matches(code, link.code_hash if link and usable else None)
            if link is None or not usable:
                raise NotFoundError("download", "of that link", "ask for a new one")
            if link.expires_at <= act.now:
                raise ExpiredError("the link has expired; ask for a new one")
            package = act.session.get(Package, link.package_id)
            if package is None:
                raise NotFoundError("download", "of that link", "ask for a new one")
            request_id = package.request_id
            if right:
                self._may_be_collected(act.session, package, act.now)
                reader = self._packaging.open(act.session, package, act.now)
                first, link.collected_at = link.collected_at is None, link.collected_at or act.now
                act.record(
                    Event.REQUEST_COLLECTED,
                    request_id,
                    facts={"package": package.id, "first": first},
                    also=(package.id,),
                )
            else:
                link.attempts_left -= 1
                wrong = link.attempts_left
                # Entered here, not by the ledger: a refusal that rolled back would not count.
                act.record(
                    Event.REFUSED,
                    request_id,
                    facts={"act": Event.REQUEST_COLLECTED.value, "attempts_left": wrong},
                )
            act.session.add(link)
        if reader is None:
            raise AccessDeniedError(
                f"the code is wrong; {wrong} {'attempt is' if wrong == 1 else 'attempts are'} left "
                "before the link ends"
            )
        return _collected(package, reader, lambda: self._collected_again(hashed))

    def _collected_again(self, hashed: str) -> SealedReader:
        """The package of a link, for who began to collect it: until the link is taken back.

        Raises:
            NotFoundError: The link is revoked, or there is no such link.
            ExpiredError: The link or the package has ended.
        """
        with self._database.read() as session:
            now = self._ledger.clock.now()
            link = session.get(DownloadLink, hashed)
            package = None if link is None else session.get(Package, link.package_id)
            if link is None or package is None or link.revoked_at is not None:
                raise NotFoundError("download", "of that link", "ask for a new one")
            if link.expires_at <= now:
                raise ExpiredError("the link has expired; ask for a new one")
            self._may_be_collected(session, package, now)
            return self._packaging.open(session, package, now)

    def _may_be_collected(self, session: Session, package: Package, now: datetime) -> None:
        """Refuse what was released and must not leave after all: taken back, or restricted.

        Raises:
            TransitionNotAllowedError: It is so; which it is, and what of, a stranger is not told.
        """
        row = session.get_one(Request, package.request_id)
        try:
            self._require_usable(session, row, now)
            stopped = State(row.state) not in _COLLECTED_IN
        except OnHoldError:
            stopped = True
        if stopped:
            raise TransitionNotAllowedError(
                "this package cannot be collected at present; ask whoever released it"
            )

    def receipt(self, actor: Actor, request_id: str, by: str) -> Moved:
        """Record who received the package; the vault's copy ends seven days later."""
        with self._step(actor, request_id, Action.RECEIPT, Event.REQUEST_ACKNOWLEDGED) as step:
            act, row = step.act, step.row
            name = read_note(by, "who received it")
            until = act.now + COPY_LASTS_AFTER_RECEIPT
            for package in act.session.execute(
                select(Package).where(
                    col(Package.request_id) == request_id, col(Package.until) > until
                )
            ).scalars():
                package.until = until
                act.session.add(package)
            row.acknowledged_at = act.now
            row.receipt_text = self._seal(act, row.id, "receipt", {"by": name})
            self._move(
                act, row, Action.RECEIPT, facts={"copy_ends": iso(until)}, details={"by": name}
            )
            return Moved(row.id, row.state)

    # --- inside -------------------------------------------------------------------------------

    def _may_prepare(self, step: Step, action: Action) -> tuple[Window, ...]:
        """The windows to hand over, once every point of the gate is met."""
        case = self._facts(step)
        session, row, now = step.act.session, step.row, step.act.now
        may_leave(session, step.act.actor, row, now)
        sight = sight_of(step.act.actor, row)
        found = footage_in(session, self._grants, case.wanted, now, sight)
        looked = self._facts(step, footage=bool(found.kept))
        what = "a release" if action is not Action.PREPARE else "a package"
        # A released package stays what it was, also when its footage has since expired.
        self._gate(action, case if action is Action.RELEASE else looked, what)
        self._require_usable(session, row, now)
        return case.wanted

    def _require_usable(self, session: Session, row: Request, now: datetime) -> None:
        """What a person had restricted meanwhile is kept and not used, decided or not (Art. 18).

        Raises:
            OnHoldError: A restriction reaches the footage, or the time that a package shows.
        """
        windows = windows_of(session, row.id, APPROVED)
        found = footage_in(session, self._grants, windows, now, told_of(row))
        self._grants.require_usable(session, [each.id for each in found.kept], now)
        spans = [(each.camera, each.starts_at, each.ends_at) for each in windows]
        self._grants.require_unrestricted(session, spans, now)

    def _write_copy(
        self,
        actor: Actor,
        package: Package,
        out: Path | BinaryIO,
        departure: Departure,
        passphrase: str | None = None,
    ) -> None:
        """Write the copy a person ordered; entered whether it came about or not."""
        with (
            self._failing(actor, departure),
            self._departures.file(departure, out, hashed=False) as file,
        ):
            reader = self._reader(package)
            if passphrase is None:
                copy_out(reader, file.write)
            else:
                lock = PassphraseLock(checked_passphrase(passphrase))
                copy_out(lock.sealed(cast("BinaryIO", reader), package.size), file.write)
            file.finish()
        facts: dict[str, Json] = {
            "size": file.size,
            "sha256": package.sha256.hex(),
            "encrypted": passphrase is not None,
        }
        self._settle(actor, departure.id, Event.FOOTAGE_EXPORTED, facts)

    def _announce(
        self,
        act: Act,
        request_id: str,
        made: Made,
        out: Path | BinaryIO,
        facts: Mapping[str, Json] | None = None,
    ) -> Departure:
        """Enter, in the act that keeps a package, that a decrypted copy of it will leave."""
        package = made.package_id
        act.record(
            Event.FOOTAGE_EXPORT_INTENDED,
            request_id,
            facts=facts or {"package": package},
            also=(package,),
        )
        return self._departures.announce(
            act, id=long_id(), kind=_COPY, subject=request_id, out=out, payload={"package": package}
        )

    @contextmanager
    def _failing(self, actor: Actor, departure: Departure) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            why = {"why": getattr(error, "code", "interrupted")}
            self._settle(actor, departure.id, Event.FOOTAGE_EXPORT_FAILED, why)
            raise

    def _settle(
        self, actor: Actor, departure_id: str, event: Event, facts: Mapping[str, Json]
    ) -> None:
        """Enter how a copy ended, unless somebody has."""
        with self._ledger.act(event, actor) as act:
            intent = self._departures.settle(act, departure_id)
            if intent is not None:
                package = str(intent.payload["package"])
                act.record(
                    event, intent.subject, facts={"package": package, **facts}, also=(package,)
                )

    def _settle_copies(self) -> None:
        """Enter how the copies ended whose process died; what may have left counts as written."""
        for each in self._departures.abandoned(_COPY):
            left = each.may_have_left
            self._settle(
                system_actor(),
                each.id,
                Event.FOOTAGE_EXPORTED if left else Event.FOOTAGE_EXPORT_FAILED,
                {"interrupted": True} if left else {"why": "interrupted"},
            )

    def _reader(self, package: Package) -> SealedReader:
        """The package again, for who began to take it: until it ends or its footage is restricted.

        Raises:
            OnHoldError: A restriction came meanwhile.
            ExpiredError: The package has ended.
        """
        with self._database.read() as session:
            row, now = session.get(Package, package.id), self._ledger.clock.now()
            if row is None:
                raise NotFoundError("package", package.id)
            self._require_usable(session, session.get_one(Request, row.request_id), now)
            return self._packaging.open(session, row, now)


def still(before: tuple[object, ...], now: tuple[object, ...]) -> None:
    """Refuse a package of what the case no longer says.

    Raises:
        TransitionNotAllowedError: It was assessed anew, or other frames were chosen.
    """
    if before != now:
        raise TransitionNotAllowedError(
            "the request was assessed anew, or other frames were chosen, while its package was "
            "made; prepare it again"
        )


def package_facts(made: Made) -> dict[str, str | int]:
    """What an entry commits to of a package: it comes after, so it cannot lie inside."""
    return {
        "package": made.package_id,
        "sha256": made.sealed.sha256.hex(),
        "size": made.sealed.size,
        "segment_root": made.sealed.segment_root.hex(),
        "tag_manifest": made.built.tag_manifest.hex(),
        "originals": made.built.originals,
        "clips": made.built.clips,
        "withheld": made.built.withheld,
        "frames": made.built.frames,
    }


def _collected(
    package: Package, reader: SealedReader, again: Callable[[], SealedReader]
) -> Collected:
    return Collected(
        reader=cast("BinaryIO", reader),
        again=cast("Callable[[], BinaryIO]", again),
        size=package.size,
        sha256=package.sha256,
        name=f"{package.request_id}.zip",
    )
