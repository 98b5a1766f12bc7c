"""Commands on footage: ingest, and list, gaps, show, export and clip."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from cctv_vault.cli.session import Session, session
from cctv_vault.footage.catalogue import RecordingDetail
from cctv_vault.ingest.service import Outcome
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
) -> None:
    """Take files in: one, or whole trees; a line per file."""
    run = session(context)
    unsettled = 0

    def describe(outcome: Outcome) -> str:
        words = f"{outcome.outcome:<12} {printable(str(outcome.path))}"
        words += f"  {outcome.recording}" if outcome.recording else ""
        return words + (f"  ({outcome.reason})" if outcome.reason else "")

    def outcomes() -> Iterator[Outcome]:
        nonlocal unsettled
        for outcome in run.vault.ingest.offer_all(
            run.actor,
            [path.absolute() for path in paths],
            camera=camera,
            keep_source=keep_source,
            original_root=original_root and original_root.absolute(),
        ):
            unsettled += outcome.outcome in {"waiting", "failed"}
            yield outcome

    count = run.stream(outcomes(), describe)
    if unsettled:
        run.fail(f"{unsettled} of {count} files were not taken in; each line says why")


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
            "cause": lambda g: g.cause,
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
    for line in run.vault.catalogue.describe(detail):
        run.out.print(printable(line), markup=False)


@footage_app.command("export")
def footage_export(
    context: typer.Context,
    recording: Annotated[str, typer.Argument(metavar="ID")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Where to write it.")],
    reason: _Reason,
    purpose: _Purpose = "internal-review",
) -> None:
    """The original, bit for bit, for use inside the house."""
    run = session(context)
    receipt = run.vault.access.export(
        run.actor, recording, output.absolute(), reason=reason, purpose=purpose
    )
    run.say(
        receipt,
        f"{output}: {receipt.bytes} bytes, SHA-256 {receipt.sha256.hex()}",
        f"Copy {receipt.copy_id} is in the register; destroy it by {run.local(receipt.end_at)}.",
    )


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
            f"gap {run.local(gap.starts_at)} to {run.local(gap.ends_at)}: {gap.cause}"
            for gap in receipt.gaps
        ),
        f"Copy {receipt.copy_id} is in the register; destroy it by {run.local(receipt.end_at)}.",
    )


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(ingest)
    app.add_typer(footage_app, name="footage")
