"""Commands on quarantine: list, show, retry and destroy."""

from typing import Annotated

import typer

from cctv_vault.cli.options import Id
from cctv_vault.cli.session import session
from cctv_vault.views import printable

quarantine_app = typer.Typer(no_args_is_help=True, help="Files that could not be read as footage.")


@quarantine_app.command("list")
def quarantine_list(context: typer.Context) -> None:
    """What lies there, newest first."""
    run = session(context)
    run.table(
        run.vault.quarantine.list(run.actor),
        {
            "id": lambda q: q.id,
            "camera": lambda q: q.camera,
            "name": lambda q: printable(q.original_name),
            "arrived": lambda q: run.local(q.arrived_at),
            "until": lambda q: run.local(q.until),
            "reason": lambda q: q.reason,
        },
    )


@quarantine_app.command("show")
def quarantine_show(context: typer.Context, object_id: Id) -> None:
    """One file, and why it could not be read."""
    run = session(context)
    found = run.vault.quarantine.show(run.actor, object_id)
    run.say(
        found,
        f"{printable(found.original_name)} from {found.camera}, {found.bytes} bytes, "
        f"SHA-256 {found.sha256.hex()}",
        f"{found.reason_code}: {found.reason}",
        f"arrived {run.local(found.arrived_at)}, kept until {run.local(found.until)}",
    )


@quarantine_app.command("retry")
def quarantine_retry(
    context: typer.Context,
    object_ids: Annotated[list[str], typer.Argument(metavar="ID…")],
) -> None:
    """Look at files again; what can be read now becomes a recording."""
    run = session(context)
    run.stream(
        (run.vault.ingest.retry(run.actor, each) for each in object_ids),
        lambda outcome: " ".join(
            (
                f"{outcome.outcome:<12}",
                printable(str(outcome.path)),
                outcome.recording or "",
                f"({outcome.reason})" if outcome.reason else "",
            )
        ).rstrip(),
    )


@quarantine_app.command("destroy")
def quarantine_destroy(
    context: typer.Context,
    object_id: Id,
    reason: Annotated[str, typer.Option(help="Why it is not kept for its seven days.")],
) -> None:
    """End a file's stay now; its key is destroyed at the next sweep."""
    run = session(context)
    run.vault.quarantine.destroy(run.actor, object_id, reason)
    run.say(
        {"id": object_id, "destroyed": True},
        f"{object_id} opens no more; its key goes at the next sweep.",
    )


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(quarantine_app, name="quarantine")
