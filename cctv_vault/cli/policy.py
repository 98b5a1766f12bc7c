"""Commands on the retention policy: show, letter, check, publish."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from cctv_vault.cli.session import Session, counted, session
from cctv_vault.clock import SystemClock
from cctv_vault.errors import ConfigError
from cctv_vault.retention.letter import Sound, write_letter
from cctv_vault.retention.policy import Policy
from cctv_vault.retention.policy_check import check_policy
from cctv_vault.retention.publication import Publication
from cctv_vault.views import parse_time

policy_app = typer.Typer(no_args_is_help=True, help="The retention policy.")


@policy_app.command("show")
def policy_show(
    context: typer.Context,
    number: Annotated[int | None, typer.Option("--version", help="Which version.")] = None,
    document: Annotated[
        bool, typer.Option(help="The document as published, to begin the next from.")
    ] = False,
) -> None:
    """The policy in force, or another version."""
    run = session(context)
    policy = run.vault.policies.show(number)
    if run.as_json:
        run.say(policy)
        return
    if document:
        sys.stdout.write(policy.document)
        return
    for each in policy.versions:
        run.say(
            None,
            f"version {each.version} ({each.state}): published {run.local(each.published_at)}, "
            f"in effect from {run.local(each.effective_at)}, SHA-256 {each.sha256}",
        )
    run.table(
        policy.purposes,
        {
            "code": lambda p: p.code,
            "ändamål": lambda p: p.sv,
            "statute": lambda p: p.statute,
            "period": lambda p: p.period_in_words,
        },
    )


@policy_app.command("letter")
def policy_letter(
    context: typer.Context,
    number: Annotated[int | None, typer.Option("--version", help="Which version.")] = None,
) -> None:
    """How sections 4 to 7 of the privacy policy would have to read, in Swedish."""
    run = session(context)
    shown = run.vault.policies.show(number)
    cameras = run.vault.register.cameras(run.actor)
    letter = write_letter(
        Policy.parse(shown.document),
        controller=run.vault.controller,
        effective_at=shown.effective_at,
        zone=run.vault.zone,
        sound=Sound(
            taken=tuple(each.name for each in cameras if each.sound == "yes"),
            unanswered=tuple(each.name for each in cameras if not each.sound),
        ),
    )
    if run.as_json:
        run.say(letter)
    else:
        sys.stdout.write(letter.text)


@policy_app.command("check")
def policy_check(
    context: typer.Context,
    file: Path,
    published_at: Annotated[
        str | None, typer.Option(help="When it was or will be published; now where unset.")
    ] = None,
) -> None:
    """Every fault of a policy document, with its line; with a vault, also against its cameras.

    Its form is checked first, what it means once its form is right.
    """
    run = session(context)
    text = file.read_text(encoding="utf-8")
    note = ""
    try:
        now = run.vault.clock.now()
        checked = run.vault.policies.check(
            text, now if published_at is None else run.time(published_at)
        )
    except ConfigError as error:
        note = f"not compared with any register: {error}"
        now = SystemClock().now()
        moment = now if published_at is None else parse_time(published_at, "Europe/Stockholm")
        checked = check_policy(text, published_at=moment)
    if checked.policy is None:
        note = "what the document means is checked once its form is mended; more may follow"
    found = (*checked.faults, *checked.recorders)
    run.say(
        {"sound": checked.sound, "faults": found, "note": note},
        *(f"{file}:{each.line}: {each.sentence}" for each in found),
        *([note] if note else []),
        *(["The policy holds."] if checked.sound else []),
    )
    if not checked.sound:
        count = (
            "a fault; the line above names it"
            if len(found) == 1
            else f"{len(found)} faults; the lines above name them"
        )
        run.fail(f"the policy has {count}")


@policy_app.command("publish")
def policy_publish(
    context: typer.Context,
    file: Path,
    published_at: Annotated[str, typer.Option(help="When it was or will be made public.")],
    dry_run: Annotated[bool, typer.Option(help="Tell what it would do; publish nothing.")] = False,
) -> None:
    """Publish a version: in force no earlier than that, never longer for what was recorded."""
    run = session(context)
    text, moment = file.read_text(encoding="utf-8"), run.time(published_at)
    publisher = run.vault.publisher
    if not dry_run and not run.as_json and sys.stdin.isatty():
        run.say(None, *_effect(run, publisher.preview(run.actor, text, moment)))
        typer.confirm("Publish it?", abort=True, err=True)
    act = publisher.preview if dry_run else publisher.publish
    published = act(run.actor, text, moment)
    run.say(published, *_effect(run, published))


def _effect(run: Session, published: Publication) -> Iterator[str]:
    effect = published.effect
    yield (
        f"Version {published.version} {'would take' if published.dry_run else 'takes'} effect "
        f"{run.local(published.effective_at)}; SHA-256 {published.sha256}"
    )
    yield (
        f"sooner than it would have been: {counted(effect.recordings, 'recording')} "
        f"({effect.bytes} bytes), {effect.at_once} of them when it takes effect"
    )
    for going in effect.days:
        yield f"  {going.day}: {counted(going.recordings, 'recording')}, {going.bytes} bytes"
    for hold_id in effect.holds:
        yield f"  the hold {hold_id} ends sooner"
    for warning in published.warnings:
        yield f"warning: {warning.sentence}"


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(policy_app, name="policy")
