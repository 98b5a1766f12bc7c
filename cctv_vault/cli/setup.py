"""Commands that make and set up a vault: init, clock, site, camera, user, serve."""

from pathlib import Path
from typing import Annotated

import typer

from cctv_vault.cli import health
from cctv_vault.cli.session import Session, session
from cctv_vault.errors import InvalidInputError
from cctv_vault.footage.register import CameraView
from cctv_vault.footage.rules import SIGN_WORDS, Sign
from cctv_vault.footage.signs import SignView
from cctv_vault.people.actors import Role
from cctv_vault.people.service import AccountView
from cctv_vault.vault import Vault
from cctv_vault.views import parse_time, printable

_DEFAULT_ZONE = "Europe/Stockholm"


def init(
    context: typer.Context,
    controller: Annotated[
        str, typer.Option(help="The controller (personuppgiftsansvarig), as printed.")
    ] = "AllCall International AB",
    zone: Annotated[str, typer.Option(help="IANA zone of sites that name none.")] = _DEFAULT_ZONE,
    simulated_clock: Annotated[
        str | None,
        typer.Option(help="Live in a time only 'clock set' moves: demonstrations, drills, tests."),
    ] = None,
) -> None:
    """Make a vault in a new home."""
    run = session(context)
    moment = None if simulated_clock is None else parse_time(simulated_clock, zone)
    vault = Vault.create(
        run.settings, run.os_user, controller=controller, zone=zone, simulated_clock=moment
    )
    run.adopt(vault)
    facts = {
        "vault": vault.vault_id,
        "home": str(run.settings.home),
        "keys": str(run.settings.key_folder),
        "origin": vault.origin,
        "key": vault.log.vkey,
        "simulated": vault.simulated,
    }
    run.say(
        facts,
        f"A vault was made in {run.settings.home}; its keys are in {run.settings.key_folder}.",
        *(["It lives in SIMULATED time and proves nothing to anyone."] if vault.simulated else []),
        f"Its log is signed by {vault.log.vkey}",
        *vault.roots.warnings(),
    )


clock_app = typer.Typer(no_args_is_help=True, help="The vault's time.")


@clock_app.command("show")
def clock_show(context: typer.Context) -> None:
    """The vault's time, and what the guard on time says of it."""
    run = session(context)
    now = run.vault.clock.now()
    verdict = run.vault.sweeper.clock_verdict()
    run.say(
        {
            "now": now,
            "simulated": run.vault.simulated,
            "alarm": verdict.alarm,
            "safe_until": verdict.safe_until,
        },
        f"{run.local(now)}{' (simulated)' if run.vault.simulated else ''}",
        *([verdict.alarm] if verdict.alarm else []),
    )


@clock_app.command("set")
def clock_set(context: typer.Context, moment: Annotated[str, typer.Argument(metavar="T")]) -> None:
    """Move a simulated vault's time, forward only."""
    run = session(context)
    target = run.time(moment)
    run.vault.set_clock(run.actor, target)
    run.say({"now": target}, f"It is now {run.local(target)} (simulated).")


@clock_app.command("attest")
def clock_attest(context: typer.Context) -> None:
    """Say, as one of two persons within an hour, that the machine's time is right."""
    run = session(context)
    attestation = run.vault.sweeper.attest_clock(run.actor)
    run.say(attestation, attestation.sentence)


site_app = typer.Typer(no_args_is_help=True, help="Shops.")


@site_app.command("add")
def site_add(
    context: typer.Context,
    code: str,
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    zone: Annotated[str | None, typer.Option(help="IANA zone; the vault's where unset.")] = None,
) -> None:
    """Add a shop."""
    run = session(context)
    site = run.vault.register.add_site(
        run.actor, code, name=name or code, zone=zone or run.vault.zone
    )
    run.say(site, f"Site {site.code} ({site.name}), zone {site.zone}.")


@site_app.command("list")
def site_list(context: typer.Context) -> None:
    """All shops."""
    run = session(context)
    run.table(
        run.vault.register.sites(run.actor),
        {"code": lambda s: s.code, "name": lambda s: s.name, "zone": lambda s: s.zone},
    )


_ON_A_SIGN = ("controller", "purpose", "pointer")


@site_app.command("sign")
def site_sign(
    context: typer.Context,
    code: str,
    place: Annotated[str, typer.Option(help="Where it hangs.")] = "",
    absent: Annotated[bool, typer.Option("--absent", help="There is no sign.")] = False,
    lacks: Annotated[
        list[str] | None,
        typer.Option(help="What it does not say: controller, purpose or pointer."),
    ] = None,
) -> None:
    """Enter what was seen of a shop's sign of surveillance just now."""
    run = session(context)
    unsaid = set(lacks or ())
    if unknown := unsaid - set(_ON_A_SIGN):
        run.fail(f"{unknown.pop()} is nothing a sign says; there is: {', '.join(_ON_A_SIGN)}", 2)
    sign = Sign(place, not absent, *(each not in unsaid for each in _ON_A_SIGN))
    run.say(seen := run.vault.signs.check(run.actor, code, sign), _sign_told(run, seen))


@site_app.command("signs")
def site_signs(context: typer.Context) -> None:
    """Every shop's sign as it was last seen, and what is wrong about it."""
    run = session(context)
    run.table(
        run.vault.signs.list(run.actor),
        {
            "site": lambda s: s.site,
            "place": lambda s: s.place,
            "seen": lambda s: run.local(s.checked_at, s.zone),
            "wrong": lambda s: "; ".join(SIGN_WORDS[each] for each in s.faults),
        },
    )


def _sign_told(run: Session, sign: SignView) -> str:
    wrong = "; ".join(SIGN_WORDS[each] for each in sign.faults) or "nothing is wrong about it"
    return f"{sign.site}, {sign.place or 'no sign'}, {run.local(sign.checked_at)}: {wrong}"


camera_app = typer.Typer(no_args_is_help=True, help="The register of cameras.")


@camera_app.command("add")
def camera_add(
    context: typer.Context,
    code: str,
    drop: Annotated[Path, typer.Option(help="The folder its files arrive in.")],
    site: Annotated[str | None, typer.Option(help="Which shop.")] = None,
    name: Annotated[str, typer.Option(help="What people call it.")] = "",
    place: Annotated[str, typer.Option(help="Where it hangs.")] = "",
    zone: Annotated[str | None, typer.Option(help="IANA zone of its file names.")] = None,
    convention: Annotated[str, typer.Option(help="File-name convention, or auto.")] = "auto",
    purpose: Annotated[str, typer.Option(help="Its specific purpose.")] = "",
    view: Annotated[str, typer.Option(help="What it sees.")] = "",
    sound: Annotated[str, typer.Option(help="Whether sound is lawful: yes or no.")] = "",
    origin: Annotated[str, typer.Option(help="surveillance or production.")] = "surveillance",
    recorder_retention: Annotated[
        int | None,
        typer.Option("--recorder-retention", help="Days the recorder keeps its own copy."),
    ] = None,
) -> None:
    """Add a camera."""
    run = session(context)
    camera = run.vault.register.add_camera(
        run.actor,
        code,
        drop=drop.absolute(),
        site=site,
        name=name or code,
        place=place,
        zone=zone,
        convention=convention,
        purpose=purpose,
        view=view,
        sound=sound,
        origin=origin,
        recorder_retention_days=recorder_retention,
    )
    run.say(
        camera, f"Camera {camera.code} takes files from {camera.drop_folder}.", *camera.warnings
    )


@camera_app.command("set")
def camera_set(
    context: typer.Context,
    code: str,
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    place: Annotated[str | None, typer.Option(help="Where it hangs.")] = None,
    purpose: Annotated[str | None, typer.Option(help="Its specific purpose.")] = None,
    view: Annotated[str | None, typer.Option(help="What it sees.")] = None,
    sound: Annotated[str | None, typer.Option(help="Whether sound is lawful: yes or no.")] = None,
    recorder_retention: Annotated[
        int | None,
        typer.Option("--recorder-retention", help="Days the recorder keeps its own copy."),
    ] = None,
) -> None:
    """Change what the register says of a camera; what is not given stays."""
    run = session(context)
    camera = run.vault.register.describe(
        run.actor,
        code,
        name=name,
        place=place,
        purpose=purpose,
        view=view,
        sound=sound,
        recorder_retention_days=recorder_retention,
    )
    with run.vault.database.read() as opened:
        missing = run.vault.readiness.missing(opened, code)
    run.say(
        camera,
        f"Camera {camera.code} is changed.",
        *([f"Its files wait until these are answered: {', '.join(missing)}."] if missing else []),
    )


@camera_app.command("list")
def camera_list(context: typer.Context) -> None:
    """All cameras."""
    run = session(context)
    run.table(
        run.vault.register.cameras(run.actor),
        {
            "code": lambda c: c.code,
            "site": lambda c: c.site,
            "name": lambda c: c.name,
            "zone": lambda c: c.zone,
            "clock": _clock_figures,
            "drop folder": lambda c: c.drop_folder,
        },
    )


def _clock_figures(camera: CameraView) -> str:
    if camera.clock_uncertainty_s is None:
        return "never measured"
    return f"{camera.clock_offset_s:+g} s ± {camera.clock_uncertainty_s:g} s"


def _clock(run: Session, camera: CameraView) -> str:
    """How a camera's clock runs, and since when that is known."""
    if camera.clock_measured_at is None:
        return "never measured; its times may be 75 minutes wrong"
    measured = run.local(camera.clock_measured_at, camera.zone)
    return f"{_clock_figures(camera)} (shown minus true time), measured {measured}"


@camera_app.command("show")
def camera_show(context: typer.Context, code: str) -> None:
    """One camera, whole."""
    run = session(context)
    camera = run.vault.register.camera(run.actor, code)
    run.say(
        camera,
        f"{camera.code}: {camera.name}, site {camera.site}, {camera.place or 'no place given'}",
        f"files from {camera.drop_folder}, read as {camera.convention} in {camera.zone}",
        f"purpose: {camera.purpose or 'not given'}; sees: {camera.view or 'not given'}; "
        f"sound: {camera.sound or 'not answered'}; origin: {camera.origin}",
        f"clock: {_clock(run, camera)}",
        *camera.warnings,
    )


@camera_app.command("pattern")
def camera_pattern(
    context: typer.Context,
    code: str,
    pattern: Annotated[
        str | None,
        typer.Option(help="auto, a known convention, or a pattern like {camera}_{Y}{M}{D}_….mp4."),
    ] = None,
    preview: Annotated[
        list[str] | None, typer.Option(help="A sample name; nothing is changed then.")
    ] = None,
) -> None:
    """How a camera's file names are read; with sample names, what they would tell."""
    run = session(context)
    if preview:
        run.table(
            run.vault.register.read_names(run.actor, code, preview, pattern),
            {
                "name": lambda e: printable(e.name),
                "read as": lambda e: e.convention or "not read",
                "camera": lambda e: printable("/".join(filter(None, (e.camera, e.channel)))),
                "from": lambda e: run.local(e.started_at),
                "to": lambda e: run.local(e.ended_at),
                "": lambda e: " ".join(e.notes),
            },
        )
        return
    register = run.vault.register
    camera = (
        register.camera(run.actor, code)
        if pattern is None
        else register.set_convention(run.actor, code, pattern)
    )
    run.say(camera, f"The names of {camera.code}'s files are read as {camera.convention}.")


@camera_app.command("clock")
def camera_clock(
    context: typer.Context,
    code: str,
    offset: Annotated[float, typer.Option(help="Shown time minus true time, seconds.")],
    uncertainty: Annotated[float, typer.Option(help="Seconds.")],
    measured_at: Annotated[str, typer.Option(help="When, with an offset.")],
) -> None:
    """Record a measurement of a camera's clock against reference time."""
    run = session(context)
    camera = run.vault.register.measure_clock(
        run.actor,
        code,
        offset_s=offset,
        uncertainty_s=uncertainty,
        measured_at=run.time(measured_at, code),
    )
    run.say(camera, f"Camera {code} shows {offset:+g} s, ± {uncertainty:g} s.")


user_app = typer.Typer(no_args_is_help=True, help="People.")


@user_app.command("add")
def user_add(
    context: typer.Context,
    name: str,
    role: Annotated[list[str], typer.Option(help="One or more of the roles.")],
    cleared: Annotated[bool, typer.Option(help="May know of gagged matters.")] = False,
    on_the_spot: Annotated[bool, typer.Option(help="May release on the spot.")] = False,
) -> None:
    """Add a person; their credential is shown once."""
    run = session(context)
    try:
        roles = [Role(each) for each in role]
    except ValueError as error:
        raise InvalidInputError(f"{error}; the roles are {', '.join(Role)}") from None
    added = run.vault.people.add(run.actor, name, roles, cleared=cleared, on_the_spot=on_the_spot)
    run.say(
        added,
        f"{added.name} ({', '.join(added.roles)}) may act.",
        f"Their credential, shown only now: {added.credential}",
    )


def _marks(account: AccountView) -> tuple[tuple[str, bool], ...]:
    return ("cleared", account.cleared), ("on the spot", account.on_the_spot)


@user_app.command("list")
def user_list(context: typer.Context) -> None:
    """Everybody."""
    run = session(context)
    run.table(
        run.vault.people.list(run.actor),
        {
            "name": lambda u: u.name,
            "roles": lambda u: ", ".join(u.roles),
            "marks": lambda u: ", ".join(mark for mark, has in _marks(u) if has),
            "disabled": lambda u: run.local(u.disabled_at) if u.disabled_at else "",
        },
    )


@user_app.command("disable")
def user_disable(context: typer.Context, name: str) -> None:
    """End a person's access; what they did stays in the log."""
    run = session(context)
    run.vault.people.disable(run.actor, name)
    run.say({"name": name, "disabled": True}, f"{name} may no longer act.")


@user_app.command("delegate")
def user_delegate(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Who decides in your place.")],
    start: Annotated[str, typer.Option("--from", help="From this time on.")],
    until: Annotated[str, typer.Option(help="Before this time, 92 days later at most.")],
) -> None:
    """Lend your own right to decide, as an approver, for a time."""
    run = session(context)
    delegations = run.vault.people.delegations
    takers = {each: account for account, each in delegations.takers(run.actor)}
    # Who is no taker is asked for by what was typed, so that the refusal is entered.
    lent = delegations.give(run.actor, takers.get(name, name), run.time(start), run.time(until))
    run.say(
        lent,
        f"{lent.id}: {lent.taker} decides in your place from {run.local(lent.starts_at)} until "
        f"{run.local(lent.ends_at)}.",
    )


@user_app.command("delegations")
def user_delegations(context: typer.Context) -> None:
    """What you lent, or were lent."""
    run = session(context)
    run.table(
        run.vault.people.delegations.of(run.actor),
        {
            "id": lambda d: d.id,
            "by": lambda d: d.giver,
            "to": lambda d: d.taker,
            "from": lambda d: run.local(d.starts_at),
            "until": lambda d: run.local(d.ended_at or d.ends_at),
            "": lambda d: "in force" if d.live else "",
        },
    )


@user_app.command("undelegate")
def user_undelegate(
    context: typer.Context, delegation: Annotated[str, typer.Argument(metavar="ID")]
) -> None:
    """Take back, at once, what you lent."""
    run = session(context)
    ended = run.vault.people.delegations.end(run.actor, delegation)
    run.say(ended, f"{ended.id} has ended.")


def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address of the staff pages.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the staff pages.")] = 8080,
    portal: Annotated[
        str | None, typer.Option(help="HOST:PORT of the public portal; off where unset.")
    ] = None,
) -> None:
    """Watcher, sweep, workers and web in one process."""
    from web.server import serve as run_server

    run = session(context)
    public = None
    if portal is not None:
        name, _, number = portal.rpartition(":")
        if not name or not number.isdigit():
            raise InvalidInputError(f"--portal takes HOST:PORT, not {portal!r}")
        public = (name, int(number))
    run.say(
        {"pages": f"http://{host}:{port}/", "portal": portal},
        f"Pages on http://{host}:{port}/",
        *([f"Portal on http://{portal}/begaran"] if portal else []),
    )
    run_server(run.vault, host, port, portal=public)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(init)
    app.add_typer(clock_app, name="clock")
    app.add_typer(site_app, name="site")
    health.register(camera_app)
    app.add_typer(camera_app, name="camera")
    app.add_typer(user_app, name="user")
    app.command()(serve)
