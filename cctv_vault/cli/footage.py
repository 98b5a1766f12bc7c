"""Commands on footage: ingest, and list, gaps, show, export and clip."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, TypedDict

import typer

from cctv_vault.cli.session import Session, counted, session
from cctv_vault.disclosure.reportwords import cause_words
from cctv_vault.errors import InvalidInputError
from cctv_vault.footage.detail import RecordingDetail, sentences
from cctv_vault.ingest.archives import late_windows
from cctv_vault.ingest.outcomes import Outcome, Preview
from cctv_vault.ingest.sources import walk
from cctv_vault.retention.grants import LATE
from cctv_vault.retention.holds import HoldOrder
from cctv_vault.views import printable

footage_app = typer.Typer(no_args_is_help=True, help="What there is, and taking it out.")

_Cameras = Annotated[list[str] | None, typer.Option("--camera", help="Only these cameras.")]
_From = Annotated[str | None, typer.Option("--from", help="From this time on.")]
_To = Annotated[str | None, typer.Option("--to", help="Before this time.")]
_Reason = Annotated[str, typer.Option(help="Why; it stands in the register of copies.")]
_Purpose = Annotated[
    str, typer.Option(help="police-report, claim, internal-review or technical-fault.")
]


def ingest(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…")],
    camera: Annotated[str | None, typer.Option(help="Whose files; else by drop folder.")] = None,
    keep_source: Annotated[bool, typer.Option(help="Leave the files where they are.")] = False,
    original_root: Annotated[
        Path | None, typer.Option(help="Names are kept relative to this folder.")
    ] = None,
    mapped: Annotated[
        list[str] | None,
        typer.Option("--map", help="LABEL=CODE: whose files an archive's names mean."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell it and change nothing.")] = False,
    purpose: Annotated[
        str | None, typer.Option(help="Takes in what is past its purposes, for this one.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, where the purpose is a hold.")] = "",
) -> None:
    """Take files in: one, or whole trees; a line per file.

    Of an archive (a tree in no drop folder) what is past its purposes is told and left alone.
    """
    run = session(context)
    files = [path.absolute() for path in paths]
    told = _Offered(
        camera=camera,
        original_root=original_root and original_root.absolute(),
        labels=_labels(mapped or ()),
        leave_late=purpose != LATE,
    )
    if dry_run:
        run.stream(
            run.vault.ingest.preview_all(run.actor, files, **told),
            lambda each: _described(run, each),
        )
        return
    if purpose is not None and purpose != LATE:
        _keep_for(run, purpose, reason, run.vault.ingest.preview_all(run.actor, files, **told))
    unsettled = 0

    def outcomes() -> Iterator[Outcome]:
        nonlocal unsettled
        sizes = {file: file.lstat().st_size for path in files for file in walk(path) if _is(file)}
        with run.progress("taking in", sum(sizes.values())) as done:
            for outcome in run.vault.ingest.offer_all(
                run.actor, files, keep_source=keep_source, **told
            ):
                unsettled += outcome.outcome in {"waiting", "failed"}
                yield outcome
                done(sizes.get(outcome.path, 0))

    count = run.stream(outcomes(), lambda outcome: _described(run, outcome))
    if unsettled:
        run.fail(f"not taken in: {unsettled} of {counted(count, 'file')}; each line says why")


class _Offered(TypedDict):
    """What `offer_all` and `preview_all` are both told."""

    camera: str | None
    original_root: Path | None
    labels: dict[str, str]
    leave_late: bool


def _labels(mapped: Sequence[str]) -> dict[str, str]:
    pairs = [each.rpartition("=") for each in mapped]
    if not all(label and code for label, _, code in pairs):
        raise InvalidInputError("--map takes LABEL=CODE, or LABEL/CHANNEL=CODE")
    return {label: code for label, _, code in pairs}


def _described(run: Session, told: Outcome | Preview) -> str:
    words = f"{told.outcome:<12} {printable(str(told.path))}"
    if isinstance(told, Preview) and told.started_at is not None:
        words += f"  {told.camera} {run.local(told.started_at)} by {told.time_source}"
    words += f"  {told.recording}" if told.recording else ""
    return words + (f"  ({told.reason})" if told.reason else "")


def _keep_for(run: Session, purpose: str, reason: str, previews: Iterator[Preview]) -> None:
    """Place a hold over what is past its purposes, so that it is taken in for this one."""
    windows = late_windows(previews)
    if windows:
        hold = run.vault.holds.place_as(run.actor, HoldOrder(purpose, windows, reason))
        print(  # noqa: T201 - beside the lines per file, which are the answer
            f"{hold.id} ({purpose}) keeps what is past its purposes", file=sys.stderr
        )


def _is(file: Path) -> bool:
    return file.is_file() and not file.is_symlink()


@footage_app.command("list")
def footage_list(
    context: typer.Context,
    camera: _Cameras = None,
    start: _From = None,
    end: _To = None,
    kind: Annotated[str | None, typer.Option(help="video or still.")] = None,
) -> None:
    """Recordings in order of time."""
    run = session(context)
    cameras = tuple(camera or ())
    run.table(
        run.vault.catalogue.list(
            run.actor,
            cameras=cameras,
            start=None if start is None else run.time(start, *cameras),
            end=None if end is None else run.time(end, *cameras),
            kind=kind,
        ),
        {
            "id": lambda r: r.id,
            "camera": lambda r: r.camera,
            "from": lambda r: run.local(r.started_at),
            "to": lambda r: run.local(r.ended_at),
            "kind": lambda r: f"{r.kind} {r.codec}",
            "name": lambda r: printable(r.original_name),
            "expires": lambda r: run.local(r.expires_at) if r.expires_at else "open-ended",
            "": lambda r: "held" if r.held else "",
        },
    )


@footage_app.command("correct")
def footage_correct(
    context: typer.Context,
    recording_id: Annotated[str, typer.Argument(metavar="ID")],
    particular: Annotated[str, typer.Option(help="camera, content, title or other.")],
    says: Annotated[str, typer.Option(help="How it should read; no names.")],
    reason: Annotated[str, typer.Option(help="How that became known.")],
) -> None:
    """Say how a particular of a recording should read; what was sealed stays beside it."""
    run = session(context)
    added = run.vault.corrections.add(run.actor, recording_id, particular, says, reason)
    run.say(added, f"{recording_id}: {particular} corrected; the original stays.")


@footage_app.command("gaps")
def footage_gaps(
    context: typer.Context,
    start: Annotated[str, typer.Option("--from")],
    end: Annotated[str, typer.Option("--to")],
    camera: _Cameras = None,
) -> None:
    """Where there is no footage, and why."""
    run = session(context)
    cameras = tuple(camera or ())
    run.table(
        run.vault.catalogue.gaps(
            run.actor,
            cameras=cameras,
            start=run.time(start, *cameras),
            end=run.time(end, *cameras),
        ),
        {
            "camera": lambda g: g.camera,
            "from": lambda g: run.local(g.starts_at),
            "to": lambda g: run.local(g.ends_at),
            "cause": lambda g: cause_words(g.cause)["en"],
        },
    )


@footage_app.command("coverage")
def footage_coverage(
    context: typer.Context,
    start: Annotated[str, typer.Option("--from")],
    end: Annotated[str, typer.Option("--to")],
    camera: _Cameras = None,
) -> None:
    """How much of each day each camera's footage covers."""
    run = session(context)
    cameras = tuple(camera or ())
    run.table(
        run.vault.catalogue.days(
            run.actor,
            cameras=cameras,
            start=run.time(start, *cameras),
            end=run.time(end, *cameras),
        ),
        {
            "camera": lambda d: d.camera,
            "day": lambda d: d.day.isoformat(),
            "covered": lambda d: f"{d.covered_s / d.window_s:.1%}",
            "recordings": lambda d: str(d.recordings),
            "gaps": lambda d: str(d.gaps),
        },
    )


@footage_app.command("show")
def footage_show(
    context: typer.Context, recording: Annotated[str, typer.Argument(metavar="ID")]
) -> None:
    """Everything about one recording, and why it is still here."""
    run = session(context)
    detail = run.vault.catalogue.show(run.actor, recording)
    if run.as_json:
        run.say(detail)
        return
    _describe(run, detail)


def _describe(run: Session, detail: RecordingDetail) -> None:
    for line in sentences(detail):
        run.out.print(printable(line), markup=False)


@footage_app.command("export")
def footage_export(
    context: typer.Context,
    recording: Annotated[str, typer.Argument(metavar="ID")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Where to write it.")],
    reason: _Reason,
    purpose: _Purpose = "internal-review",
    beside: Annotated[
        str | None, typer.Option(help="Not the film: the file of this ending kept with it.")
    ] = None,
) -> None:
    """The original, bit for bit, for use inside the house."""
    run = session(context)
    receipt = run.vault.access.export(
        run.actor, recording, output.absolute(), reason=reason, purpose=purpose, beside=beside
    )
    run.say(
        receipt,
        f"{output}: {receipt.bytes} bytes, SHA-256 {receipt.sha256.hex()}",
        f"Copy {receipt.copy_id} is in the register; destroy it by {run.local(receipt.end_at)}.",
    )


@footage_app.command("destroyed")
def footage_destroyed(
    context: typer.Context, copy: Annotated[str, typer.Argument(metavar="COPY")]
) -> None:
    """Confirm that a copy in the register has been destroyed."""
    run = session(context)
    done = run.vault.access.copies.confirm_destroyed(run.actor, copy)
    run.say(done, f"That {done.id} is destroyed stands in the register.")


@footage_app.command("clip")
def footage_clip(
    context: typer.Context,
    camera: Annotated[str, typer.Option()],
    start: Annotated[str, typer.Option("--from")],
    end: Annotated[str, typer.Option("--to")],
    output: Annotated[Path, typer.Option("-o", "--output", help="An .mp4 file.")],
    reason: _Reason,
    purpose: _Purpose = "internal-review",
) -> None:
    """A playable clip, cut on keyframes; says the window it really holds."""
    run = session(context)
    receipt = run.vault.access.clip(
        run.actor,
        camera=camera,
        start=run.time(start, camera),
        end=run.time(end, camera),
        out=output.absolute(),
        reason=reason,
        purpose=purpose,
    )
    run.say(
        receipt,
        f"{output}: {run.local(receipt.delivered_from)} to {run.local(receipt.delivered_to)}, "
        f"SHA-256 {receipt.sha256.hex()}",
        *(
            f"gap {run.local(gap.starts_at)} to {run.local(gap.ends_at)}: "
            f"{cause_words(gap.cause)['en']}"
            for gap in receipt.gaps
        ),
        f"Copy {receipt.copy_id} is in the register; destroy it by {run.local(receipt.end_at)}.",
    )


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(ingest)
    app.add_typer(footage_app, name="footage")
