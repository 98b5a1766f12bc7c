"""Commands on course material: subject, consent, publication."""

import contextlib
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from cctv_vault.cli.session import Session, session
from cctv_vault.consent.views import ItemView, PublicationView
from cctv_vault.errors import InvalidInputError
from cctv_vault.footage.outfile import OutFile, check_target

_Subject = Annotated[str, typer.Argument(metavar="SUBJECT")]
_Item = Annotated[str, typer.Argument(metavar="ITEM")]

subject_app = typer.Typer(no_args_is_help=True, help="People in course photographs and films.")


@subject_app.command("add")
def subject_add(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="The person's name; sealed.")],
    contact: Annotated[str, typer.Option(help="How to reach them; sealed.")] = "",
    child_until: Annotated[
        str | None, typer.Option(help="For a child: the day they come of age, YYYY-MM-DD.")
    ] = None,
    guardian: Annotated[
        str, typer.Option(help="For a child: who consents, and how to reach.")
    ] = "",
) -> None:
    """Enter a person who is in course material."""
    run = session(context)
    subject = run.vault.consents.add_subject(
        run.actor,
        name,
        contact=contact,
        child_until=None if child_until is None else _day(child_until),
        guardian=guardian,
    )
    run.say(subject, f"{subject.id}: {subject.name}")


@subject_app.command("list")
def subject_list(context: typer.Context) -> None:
    """Everybody in the register."""
    run = session(context)
    run.table(
        run.vault.consents.subjects(run.actor),
        {
            "id": lambda s: s.id,
            "name": lambda s: s.name,
            "guardian": lambda s: s.guardian if s.is_child else "",
            "in items": lambda s: str(len(s.items)),
            "consents": lambda s: str(sum(each.state == "live" for each in s.consents)),
        },
    )


@subject_app.command("show")
def subject_show(context: typer.Context, subject_id: _Subject) -> None:
    """One person, what they are in and what they have agreed to."""
    run = session(context)
    subject = run.vault.consents.subject(run.actor, subject_id)
    run.say(
        subject,
        f"{subject.id}: {subject.name}, {subject.contact or 'no contact'}",
        *([f"a child until {subject.child_until}, guardian {subject.guardian}"] * subject.is_child),
        f"in {', '.join(subject.items) or 'no item'}",
        *(
            f"{each.id} {each.item} {each.channel}: {each.state}, given {run.local(each.given_at)} "
            f"({each.method}, text {each.text_version}), until {run.local(each.until)}"
            for each in subject.consents
        ),
    )


consent_app = typer.Typer(no_args_is_help=True, help="Consent to course photographs and films.")
text_app = typer.Typer(no_args_is_help=True, help="The text people consent to.")
consent_app.add_typer(text_app, name="text")


@text_app.command("publish")
def text_publish(context: typer.Context, file: Path) -> None:
    """Publish the next version of the text, as the privacy officer."""
    run = session(context)
    text = run.vault.consents.publish_text(run.actor, file.read_text(encoding="utf-8"))
    run.say(text, f"Version {text.version} is the text to consent to.")


@text_app.command("list")
def text_list(context: typer.Context) -> None:
    """Every version, the newest first."""
    run = session(context)
    run.table(
        run.vault.consents.texts(run.actor),
        {
            "version": lambda t: str(t.version),
            "published": lambda t: run.local(t.published_at),
            "text": lambda t: t.document,
        },
    )


@consent_app.command("declare")
def consent_declare(
    context: typer.Context,
    item: _Item,
    subject: Annotated[
        list[str] | None, typer.Option(help="Everybody who can be identified in it.")
    ] = None,
    nobody: Annotated[bool, typer.Option(help="Nobody can be identified in it.")] = False,
) -> None:
    """Say who can be identified in an item: all of them, or nobody."""
    run = session(context)
    if nobody == bool(subject):
        run.fail("name everybody with --subject, or say --nobody", 2)
    view = run.vault.consents.declare(run.actor, item, subject or [])
    run.say(view, *_item(run, view))


@consent_app.command("give")
def consent_give(
    context: typer.Context,
    subject_id: _Subject,
    item: Annotated[list[str], typer.Option(help="One or more items.")],
    channel: Annotated[
        list[str], typer.Option(help="website, social-media, newsletter, print, in-shop.")
    ],
    method: Annotated[str, typer.Option(help="signed, electronic or spoken.")],
    evidence: Annotated[str, typer.Option(help="What shows it: where the paper lies, who heard.")],
    text: Annotated[int | None, typer.Option(help="Version of the text; else the newest.")] = None,
    by_guardian: Annotated[bool, typer.Option(help="The child's guardian gave it.")] = False,
    given_at: Annotated[str | None, typer.Option(help="When it was given; else now.")] = None,
) -> None:
    """Enter a consent: this person, these items, these channels, this text."""
    run = session(context)
    given = run.vault.consents.give(
        run.actor,
        subject_id,
        items=item,
        channels=channel,
        method=method,
        evidence=evidence,
        text_version=text,
        by_guardian=by_guardian,
        given_at=None if given_at is None else run.time(given_at),
    )
    run.say(
        given,
        *(
            f"{each.id}: {each.item} on {each.channel} until {run.local(each.until)}"
            for each in given
        ),
    )


@consent_app.command("withdraw")
def consent_withdraw(
    context: typer.Context,
    subject_id: _Subject,
    item: Annotated[list[str] | None, typer.Option(help="Only these items; else all.")] = None,
    channel: Annotated[list[str] | None, typer.Option(help="Only these channels.")] = None,
    words: Annotated[str, typer.Option(help="What the person said; not needed.")] = "",
) -> None:
    """Take consent back, in one step: the items end, and what must be taken down is listed."""
    run = session(context)
    done = run.vault.consents.withdraw(
        run.actor, subject_id, items=item or (), channels=channel or (), words=words
    )
    run.say(
        done,
        f"{len(done.consents)} consents withdrawn; {len(done.ended)} items have ended and go with "
        "the next sweep",
        *(f"  ended: {each}" for each in done.ended),
        *(f"TAKE DOWN {_published(each)}" for each in done.take_down),
        *(f"DESTROY the copy {each}, and confirm it" for each in done.copies),
    )


@consent_app.command("export")
def consent_export(
    context: typer.Context,
    item: _Item,
    channel: Annotated[str, typer.Option(help="Where it is published, as `consent give`.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Where to write it.")],
) -> None:
    """The original, to be published: only where everybody in it agrees to that channel."""
    run = session(context)
    target = output.absolute()
    check_target(target)
    copy = run.vault.consents.export(run.actor, item, channel)
    with contextlib.closing(copy.chunks) as chunks, OutFile(target) as file:
        for chunk in chunks:
            file.write(chunk)
        file.finish()
    run.say(
        {
            "recording": copy.recording,
            "copy_id": copy.copy_id,
            "bytes": copy.bytes,
            "sha256": copy.sha256,
            "end_at": copy.end_at,
        },
        f"{output}: {copy.bytes} bytes, SHA-256 {copy.sha256.hex()}",
        f"Copy {copy.copy_id} is in the register; destroy it by {run.local(copy.end_at)}, or as "
        "soon as somebody withdraws.",
    )


@consent_app.command("copies")
def consent_copies(context: typer.Context) -> None:
    """Copies for publication that must be destroyed now."""
    run = session(context)
    run.table(
        run.vault.consents.copies_to_destroy(run.actor),
        {
            "copy": lambda c: c.id,
            "item": lambda c: ", ".join(c.recordings),
            "for": lambda c: c.purpose,
            "destroy by": lambda c: run.local(c.end_at),
        },
    )


@consent_app.command("list")
def consent_list(context: typer.Context) -> None:
    """The newest items of course material: who is in them, and where they may be shown."""
    run = session(context)
    run.table(
        run.vault.consents.items(run.actor),
        {
            "item": lambda i: i.id,
            "camera": lambda i: i.camera,
            "from": lambda i: run.local(i.started_at),
            "people": lambda i: (
                ", ".join(each.name or each.id for each in i.people)
                or ("nobody" if i.declared_at else "not said")
            ),
            "may be shown": lambda i: ", ".join(c.channel for c in i.channels if c.allowed) or "no",
            "published": lambda i: str(sum(p.state != "taken-down" for p in i.publications)),
        },
    )


@consent_app.command("show")
def consent_show(context: typer.Context, item: _Item) -> None:
    """One item: who is in it, who allows what, where it was published."""
    run = session(context)
    view = run.vault.consents.item(run.actor, item)
    run.say(view, *_item(run, view))


publication_app = typer.Typer(no_args_is_help=True, help="Where course material was published.")


@publication_app.command("record")
def publication_record(
    context: typer.Context,
    item: _Item,
    channel: Annotated[str, typer.Option(help="As `consent give`.")],
    place: Annotated[str, typer.Option(help="Where exactly: address, issue, wall; sealed.")],
) -> None:
    """Record that an item is published; refused unless everybody in it agrees."""
    run = session(context)
    done = run.vault.consents.publish(run.actor, item, channel, place)
    run.say(done, f"{done.id}: {done.channel}, allowed until {run.local(done.until)}")


@publication_app.command("list")
def publication_list(
    context: typer.Context,
    due: Annotated[bool, typer.Option(help="Only what must be taken down.")] = False,
) -> None:
    """Where items were published."""
    run = session(context)
    run.table(
        run.vault.consents.publications(run.actor, due_only=due),
        {
            "id": lambda p: p.id,
            "item": lambda p: p.item,
            "channel": lambda p: p.channel,
            "where": lambda p: p.place,
            "allowed until": lambda p: run.local(p.until),
            "state": lambda p: p.state,
        },
    )


@publication_app.command("remove")
def publication_remove(
    context: typer.Context,
    publication: Annotated[str, typer.Argument(metavar="PUBLICATION")],
    how: Annotated[str, typer.Option(help="How it was taken down, and how that was made sure.")],
) -> None:
    """Confirm that a publication is taken down."""
    run = session(context)
    done = run.vault.consents.confirm_taken_down(run.actor, publication, how)
    run.say(done, f"{done.id} is taken down.")


def _item(run: Session, view: ItemView) -> list[str]:
    kept = "its purpose has ended" if view.kept_until is None else run.local(view.kept_until)
    if view.declared_at is None:
        people = ["nobody has said who can be identified in it"]
    elif view.people:
        people = [
            f"in it: {each.name or each.id} ({each.id}), agrees to "
            f"{', '.join(each.channels) or 'nothing'}"
            for each in view.people
        ]
    else:
        people = ["nobody can be identified in it"]
    return [
        f"{view.id} {view.camera} {run.local(view.started_at)}, kept until {kept}",
        *people,
        *(
            f"{each.channel}: may be shown until {run.local(each.until)}"
            for each in view.channels
            if each.allowed
        ),
        *(_published(each) for each in view.publications),
    ]


def _published(each: PublicationView) -> str:
    return f"{each.id} {each.channel}: {each.place} ({each.state})"


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(f"{text!r} is no day; write it like 2031-05-17") from None


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(subject_app, name="subject")
    app.add_typer(consent_app, name="consent")
    app.add_typer(publication_app, name="publication")
