"""Commands on personal-data breaches: breach."""

from typing import Annotated

import typer

from cctv_vault.breaches.service import BreachView
from cctv_vault.cli.session import Session, session

breach_app = typer.Typer(
    no_args_is_help=True, help="Personal-data breaches (personuppgiftsincidenter)."
)

_Id = Annotated[str, typer.Argument(metavar="ID")]
_Persons = Annotated[int | None, typer.Option(help="About how many persons; unset: unknown.")]
_Measures = Annotated[str, typer.Option(help="What was done about it.")]


@breach_app.command("add")
def breach_add(
    context: typer.Context,
    discovered_at: Annotated[str, typer.Option(help="When it was discovered: 72 h run from then.")],
    what: Annotated[str, typer.Option(help="What happened; no names.")],
    categories: Annotated[str, typer.Option(help="Which data, and of whom.")],
    consequences: Annotated[str, typer.Option(help="What may follow from it.")],
    measures: _Measures = "",
    persons: _Persons = None,
    gagged: Annotated[
        bool, typer.Option("--gagged", help="Of a matter under a duty of silence.")
    ] = False,
) -> None:
    """Enter a breach, as the privacy officer."""
    run = session(context)
    said = {"what": what, "categories": categories, "consequences": consequences}
    breach = run.vault.breaches.enter(
        run.actor,
        run.time(discovered_at),
        {**said, "measures": measures},
        persons=persons,
        gagged=gagged,
    )
    _say(run, breach)


@breach_app.command("list")
def breach_list(context: typer.Context) -> None:
    """Every breach, the newest first."""
    run = session(context)
    run.table(
        run.vault.breaches.list(run.actor),
        {
            "id": lambda b: b.id,
            "discovered": lambda b: run.local(b.discovered_at),
            "reported": lambda b: run.local(b.reported_at),
            "closed": lambda b: run.local(b.closed_at),
            "owed": lambda b: ", ".join(each.what for each in b.calls),
        },
    )


@breach_app.command("show")
def breach_show(context: typer.Context, breach_id: _Id) -> None:
    """One breach, with every entry."""
    run = session(context)
    _say(run, run.vault.breaches.show(run.actor, breach_id))


@breach_app.command("amend")
def breach_amend(
    context: typer.Context,
    breach_id: _Id,
    what: Annotated[str, typer.Option(help="What happened.")] = "",
    categories: Annotated[str, typer.Option(help="Which data, and of whom.")] = "",
    consequences: Annotated[str, typer.Option(help="What may follow from it.")] = "",
    measures: _Measures = "",
    persons: _Persons = None,
) -> None:
    """Add what became known; what stood there before stays."""
    run = session(context)
    said = {
        "what": what,
        "categories": categories,
        "consequences": consequences,
        "measures": measures,
    }
    _say(run, run.vault.breaches.amend(run.actor, breach_id, said, persons=persons))


@breach_app.command("report")
def breach_report(
    context: typer.Context,
    breach_id: _Id,
    at: Annotated[str | None, typer.Option(help="When IMY was told.")] = None,
    whole: Annotated[
        bool, typer.Option("--whole/--first", help="Whether the report held everything.")
    ] = True,
    number: Annotated[str, typer.Option(help="IMY's number.")] = "",
    delay: Annotated[str, typer.Option(help="Why it came after 72 hours.")] = "",
    unreported: Annotated[str, typer.Option(help="Instead: why IMY is not told.")] = "",
) -> None:
    """Enter that IMY was told, or why not."""
    run = session(context)
    breaches = run.vault.breaches
    if (at is None) == (not unreported):
        run.fail("say --at when IMY was told, or --unreported why they are not", 2)
    if at is None:
        _say(run, breaches.leave_unreported(run.actor, breach_id, unreported))
        return
    told = breaches.report(
        run.actor, breach_id, run.time(at), whole=whole, number=number, delay=delay
    )
    _say(run, told)


@breach_app.command("supplement")
def breach_supplement(
    context: typer.Context,
    breach_id: _Id,
    at: Annotated[str, typer.Option(help="When the rest was sent to IMY.")],
    text: Annotated[str, typer.Option(help="What it added.")],
) -> None:
    """Enter that the rest of a first report was sent."""
    run = session(context)
    _say(run, run.vault.breaches.supplement(run.actor, breach_id, run.time(at), text))


@breach_app.command("told")
def breach_told(
    context: typer.Context,
    breach_id: _Id,
    text: Annotated[str, typer.Option(help="How they were told; without --at, why not.")],
    at: Annotated[str | None, typer.Option(help="When the persons concerned were told.")] = None,
) -> None:
    """Enter that the persons concerned were told, or why not."""
    run = session(context)
    told_at = None if at is None else run.time(at)
    _say(run, run.vault.breaches.tell(run.actor, breach_id, text, told_at=told_at))


@breach_app.command("close")
def breach_close(
    context: typer.Context, breach_id: _Id, reason: Annotated[str, typer.Option(help="Why.")]
) -> None:
    """Close a breach of which everything stands in the register."""
    run = session(context)
    _say(run, run.vault.breaches.close(run.actor, breach_id, reason))


def _say(run: Session, breach: BreachView) -> None:
    persons = "an unknown number of" if breach.persons is None else str(breach.persons)
    run.say(
        breach,
        f"{breach.id}: discovered {run.local(breach.discovered_at)}, {persons} persons",
        *(f"{name}: {text}" for name, text in breach.said.items()),
        *(
            f"owed: {each.what} by {run.local(each.due_at)}{' (overdue)' if each.overdue else ''}"
            for each in breach.calls
        ),
        *(
            f"{run.local(each.at)} {each.kind}: {'; '.join(each.words.values())}"
            for each in breach.notes
        ),
    )


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(breach_app, name="breach")
