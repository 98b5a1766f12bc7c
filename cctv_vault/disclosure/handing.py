"""Handing over: the package of a decided request, its link or its copy, its receipt.

Owns the acts by which footage leaves for good. Each is announced before the first byte leaves and
entered after the last. Refuses a package without its gate, a link after five wrong codes, and
release on the spot to anybody but the police for at most an hour.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, Final, cast

from sqlalchemy import select
from sqlmodel import col

from cctv_vault.custody.canonical import Json
from cctv_vault.custody.events import Event
from cctv_vault.disclosure.archive import read_archive, read_member
from cctv_vault.disclosure.cases import (
    APPROVED,
    footage_in,
    load,
    open_json,
    set_windows,
)
from cctv_vault.disclosure.codes import new_pickup_code, new_status_code, new_token, token_hash
from cctv_vault.disclosure.desk import Step, holidays_around, window_facts
from cctv_vault.disclosure.intake import CHANNELS, cameras_meant, read_note, read_request
from cctv_vault.disclosure.legal import REQUESTERS, Deadline, deadline_at
from cctv_vault.disclosure.packaging import Made, copy_out, revoke_links, storage_errors
from cctv_vault.disclosure.receiving import Receiving
from cctv_vault.disclosure.results import (
    Collected,
    Moved,
    OnTheSpot,
    PreparedPackage,
    Released,
)
from cctv_vault.disclosure.workflow import (
    HANDS_OVER_NOW,
    RIGHT_FOR,
    Action,
    State,
    Window,
    move,
)
from cctv_vault.errors import (
    AccessDeniedError,
    ExpiredError,
    GateNotMetError,
    InvalidInputError,
    NotFoundError,
    TransitionNotAllowedError,
)
from cctv_vault.footage.departures import Departure
from cctv_vault.footage.outfile import check_target
from cctv_vault.ids import long_id
from cctv_vault.ledger import Act
from cctv_vault.people.actors import PORTAL_ACTOR, Actor, Right, system_actor
from cctv_vault.schema import DownloadLink, Package
from cctv_vault.views import iso
from storage.stream import SealedReader

ATTEMPTS: Final = 5
LINK_LASTS: Final = timedelta(days=14)
COPY_LASTS_AFTER_RECEIPT: Final = timedelta(days=7)
REVIEW_WITHIN: Final = Deadline("working-days", 1)
_COPY: Final = "package-copy"
_UNPACKED: Final = ("data/clips/", "data/report.pdf", "LÄS MIG.txt", "READ ME.txt")


class Handing(Receiving):
    """From decision to receipt, and the paths of the law before a decision."""

    # --- the package --------------------------------------------------------------------------

    def prepare(
        self,
        actor: Actor,
        request_id: str,
        out: Path | BinaryIO | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> PreparedPackage:
        """Make the package of an approved request; it lies sealed until it is handed over.

        Args:
            actor: Who handles the request.
            request_id: Its reference.
            out: Where a decrypted copy goes, for release on a medium; a new file, or a stream.
            progress: Called with each number of original bytes written.

        Raises:
            GateNotMetError: A requirement is unmet, masking among them where table B demands it.
            AlreadyExistsError: There is a file of that name.
            DamagedError: An original is not what was sealed.
        """
        with self._step(actor, request_id, Action.PREPARE, Event.REQUEST_PREPARED) as step:
            windows = self._may_prepare(step, Action.PREPARE)
            if isinstance(out, Path):
                check_target(out)
            decision = open_json(step.act.session, self._keyring, step.row.decision_text)
            row, now = step.row, step.act.now
        made = self._packaging.make(
            row,
            windows,
            now,
            sound_allowed=decision.get("sound") is True,
            progress=progress or (lambda _count: None),
        )
        try:
            with self._step(actor, request_id, Action.PREPARE, Event.REQUEST_PREPARED) as step:
                # It was made while nothing was locked: the case must still be what it was.
                _still(windows, self._may_prepare(step, Action.PREPARE))
                package = self._packaging.keep(step.act.session, step.row, made, step.act.now)
                self._move(
                    step.act,
                    step.row,
                    Action.PREPARE,
                    facts=_package_facts(made),
                    also=(made.package_id,),
                )
                departure = None if out is None else self._announce(step.act, request_id, made, out)
        except BaseException:
            self._packaging.discard(made.package_id)
            raise
        if out is not None and departure is not None:
            self._write_copy(actor, package, out, departure)
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
            until=package.until,
        )

    def open_package(self, actor: Actor, request_id: str) -> Collected:
        """The prepared or released package, for the medium it is handed over on.

        Raises:
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
                },
                also=(package.id,),
            )
        return _collected(package, reader)

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
                f"the code is wrong; {wrong} attempts are left before the link ends"
            )
        return _collected(package, reader)

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

    # --- before a decision --------------------------------------------------------------------

    def on_the_spot(
        self, actor: Actor, body: object, *, officer_seen: str, out_dir: Path
    ) -> OnTheSpot:
        """Hand over to an officer who stands here, before a decision; reviewed by somebody else.

        The police get at most an hour on DSL 2:5; seizure and search what is decided; in an
        emergency whoever is marked for it releases what saves a life. The request is registered,
        frozen and put under review, and then the files are written.

        Args:
            actor: Who is on duty.
            body: The request, as `file` reads it.
            officer_seen: What was checked: the card and whose it was, where and when.
            out_dir: A folder, on the medium that is handed over.

        Raises:
            GateNotMetError: The law has no such path here; each unmet point is named.
            AccessDeniedError: The person is not marked for it.
        """
        code_hash = self._codes.hash(new_status_code())
        places = self._places()
        cameras = cameras_meant(body, places)
        with self._ledger.act(Event.REQUEST_RELEASE_INTENDED, actor, cameras=cameras) as act:
            actor.require(Right.REQUEST_REGISTER)
            filing = read_request(body, places, act.now, public=False)
            action = _path_of(filing.type)
            actor.require(RIGHT_FOR[action])
            if not officer_seen.strip():
                raise GateNotMetError(
                    "nothing is handed over on the spot",
                    ("the officer must stand here and the service card be seen",),
                )
            if filing.type == "police" and filing.offence is None:
                raise GateNotMetError("nothing is handed over on the spot", ("name the offence",))
            seen = read_note(officer_seen, "what was seen")
            folder = checked_folder(out_dir)
            row = self._receive(act, filing, code_hash, "staff")
            self._begin(act, row, public=False)
            set_windows(act.session, row.id, APPROVED, filing.windows)
            self._may_prepare(Step(act, row), action)
            row.verification_method, row.verified_at = "in-person", act.now
            row.decision, row.decided_by, row.decided_at = "before-decision", actor.id, act.now
            act.session.add(row)
            act.record(
                Event.REQUEST_RELEASE_INTENDED,
                row.id,
                facts={"path": HANDS_OVER_NOW[action], "windows": window_facts(filing.windows)},
                details={"detail": seen},
            )
            now = act.now
        check_target(folder / f"{row.id}.zip")
        made = self._packaging.make(
            row, filing.windows, now, sound_allowed=False, progress=lambda _count: None
        )
        package, departure, spot = self._begin_hand_over(actor, row.id, action, made, folder)
        return replace(spot, files=self._written_out(actor, row.id, package, folder, departure))

    def _begin_hand_over(
        self, actor: Actor, request_id: str, action: Action, made: Made, folder: Path
    ) -> tuple[Package, Departure, OnTheSpot]:
        """Keep the package and put the request under review, before the first byte leaves.

        What may have left counts as handed over: whoever breaks off the writing, or gives a medium
        too small for all of it, has footage that a second person hears of.
        """
        try:
            with self._ledger.act(
                Event.REQUEST_RELEASED,
                actor,
                cameras=self._cameras_of(request_id),
                subject=request_id,
            ) as act:
                row = load(act.session, request_id, actor, lock=True)
                move(State(row.state), action)
                package = self._packaging.keep(act.session, row, made, act.now)
                package.state = "released"
                act.session.add(package)
                departure = self._announce(
                    act, request_id, made, folder / f"{request_id}.zip", _package_facts(made)
                )
                windows = self._facts(Step(act, row)).wanted
                zone = self._zone_of(act.session, windows)
                review_by = deadline_at(REVIEW_WITHIN, act.now, zone, holidays_around(act.now))
                row.deadline_at = review_by
                row.channel, row.released_at = "in-person", act.now
                self._freezing.moved(act, row, action)
                self._move(
                    act,
                    row,
                    action,
                    facts={
                        "channel": HANDS_OVER_NOW[action],
                        "package": package.id,
                        "sha256": package.sha256.hex(),
                        "review_by": None if review_by is None else iso(review_by),
                    },
                    also=(package.id,),
                )
                spot = OnTheSpot(
                    id=request_id,
                    state=row.state,
                    files=(),
                    sha256=package.sha256,
                    review_by=review_by or act.now,
                )
        except BaseException:
            self._packaging.discard(made.package_id)
            raise
        return package, departure, spot

    def _written_out(
        self,
        actor: Actor,
        request_id: str,
        package: Package,
        folder: Path,
        departure: Departure,
    ) -> tuple[str, ...]:
        """The files in the officer's folder; entered whether they all came about or not."""
        with self._failing(actor, departure):
            files = self._write_folder(request_id, package, folder, departure)
        self._settle(actor, departure.id, Event.FOOTAGE_EXPORTED, {})
        return files

    # --- inside -------------------------------------------------------------------------------

    def _may_prepare(self, step: Step, action: Action) -> tuple[Window, ...]:
        """The windows to hand over, once every point of the gate is met."""
        case = self._facts(step)
        found = footage_in(
            step.act.session, self._grants, case.wanted, step.act.now, cleared=step.row.gagged
        )
        looked = self._facts(step, footage=bool(found.kept))
        what = "a release" if action is not Action.PREPARE else "a package"
        # A released package stays what it was, also when its footage has since expired.
        self._gate(action, case if action is Action.RELEASE else looked, what)
        return case.wanted

    def _write_copy(
        self, actor: Actor, package: Package, out: Path | BinaryIO, departure: Departure
    ) -> None:
        """Write the decrypted copy a person ordered; entered whether it came about or not."""
        with self._failing(actor, departure), self._departures.file(departure, out) as file:
            copy_out(self._reader(package), file.write)
            file.finish()
        facts: dict[str, Json] = {"size": file.size, "sha256": package.sha256.hex()}
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

    def _write_folder(
        self, request_id: str, package: Package, folder: Path, departure: Departure
    ) -> tuple[str, ...]:
        """The package beside what can be played and read at once, in the officer's folder."""
        with self._departures.file(departure, folder / f"{request_id}.zip") as file:
            copy_out(self._reader(package), file.write)
            file.finish()
        names = [f"{request_id}.zip"]
        with closing(self._reader(package)) as reader, storage_errors("package"):
            source = cast("BinaryIO", reader)
            for member in read_archive(source).members:
                path = member.name.partition("/")[2]
                if not path.startswith(_UNPACKED):
                    continue
                name = f"{request_id}-{path.rpartition('/')[2]}"
                with self._departures.file(departure, folder / name) as file:
                    for piece in read_member(source, member):
                        file.write(piece)
                    file.finish()
                names.append(name)
        return tuple(names)

    def _reader(self, package: Package) -> SealedReader:
        with self._database.read() as session:
            row = session.get(Package, package.id)
            if row is None:
                raise NotFoundError("package", package.id)
            return self._packaging.open(session, row, self._ledger.clock.now())


def checked_folder(folder: Path) -> Path:
    """The folder of a medium, made where it is missing.

    Raises:
        InvalidInputError: It cannot be made or is no folder.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(
            f"{folder} is no folder that can be written: {error.strerror}"
        ) from None
    return folder


def _still(before: tuple[Window, ...], now: tuple[Window, ...]) -> None:
    if before != now:
        raise TransitionNotAllowedError(
            "the request was assessed anew while its package was made; prepare it again"
        )


def _path_of(type_: str) -> Action:
    """The path before a decision; where a requester has none, the one that refuses them."""
    path = REQUESTERS[type_].immediate
    return next(
        (action for action, kind in HANDS_OVER_NOW.items() if path and kind == path.kind),
        Action.HAND_OVER_ON_THE_SPOT,
    )


def _package_facts(made: Made) -> dict[str, str | int]:
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
    }


def _collected(package: Package, reader: SealedReader) -> Collected:
    return Collected(
        reader=cast("BinaryIO", reader),
        size=package.size,
        sha256=package.sha256,
        name=f"{package.request_id}.zip",
    )
