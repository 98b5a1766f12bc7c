"""The entry point: global options, every group of commands, and errors as one line."""

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from cctv_vault import __version__
from cctv_vault.cli import (
    breaches,
    consent,
    demo,
    expiry,
    footage,
    holds,
    incidents,
    policy,
    quarantine,
    requests,
    setup,
    trust,
)
from cctv_vault.cli.session import Session
from cctv_vault.errors import VaultError
from cctv_vault.hardening import harden_process
from cctv_vault.settings import Settings
from storage.errors import StorageError

app = typer.Typer(
    name="cctv-vault",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Footage, readable exactly as long as a lawful purpose holds a key to it. "
    "Every command takes --json.",
)
for group in (
    setup,
    footage,
    quarantine,
    incidents,
    holds,
    policy,
    expiry,
    requests,
    consent,
    breaches,
    trust,
    demo,
):
    group.register(app)


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    home: Annotated[
        Path | None, typer.Option(help="The vault's home [CCTV_VAULT_HOME, /var/lib/cctv-vault].")
    ] = None,
    keys: Annotated[
        Path | None, typer.Option(help="The key folder [CCTV_VAULT_KEYS, HOME-keys].")
    ] = None,
    user: Annotated[
        str | None, typer.Option("--as", help="The person who acts [CCTV_VAULT_USER].")
    ] = None,
    version: Annotated[bool, typer.Option("--version", help="Say the version.")] = False,
) -> None:
    """Read the settings once, here."""
    if version:
        print(f"cctv-vault {__version__}")  # noqa: T201
        raise typer.Exit
    given = {"home": home and home.absolute(), "keys": keys and keys.absolute(), "user": user}
    settings = Settings().model_copy(
        update={name: value for name, value in given.items() if value is not None}
    )
    context.obj = Session(settings=settings, as_json=bool(context.meta.get("json")))
    context.call_on_close(context.obj.close)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    harden_process()
    words = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in words
    command = typer.main.get_command(app)
    run: Session | None = None
    try:
        with command.make_context(
            "cctv-vault", [word for word in words if word != "--json"]
        ) as context:
            context.meta["json"] = as_json
            try:
                command.invoke(context)
            finally:
                run = context.obj
    except typer.Exit as leaving:
        return leaving.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:  # noqa: BLE001 - a traceback could show names, secrets or footage
        return _explain(error, run)
    return 0


def _explain(error: Exception, run: Session | None) -> int:
    """Say in one line on standard error what is wrong; returns the exit status."""
    show = getattr(error, "show", None)
    if callable(show):  # the option parser's own errors know how to show themselves
        show()
        return int(getattr(error, "exit_code", 2))
    match error:
        case VaultError() | StorageError():
            message, status = str(error), 1
        case ValidationError():
            faults = error.errors(include_input=False, include_url=False)
            names = ((".".join(map(str, fault["loc"])), fault["msg"]) for fault in faults)
            words = "; ".join(f"CCTV_VAULT_{name.upper()}: {fault}" for name, fault in names)
            message, status = f"a setting cannot be used: {words}", 2
        case json.JSONDecodeError():
            message, status = "the file given is not JSON", 2
        case UnicodeDecodeError():
            message, status = "the file given is not text in UTF-8", 2
        case FileNotFoundError():
            message, status = f"there is no file {error.filename}", 1
        case OSError():
            message, status = f"{error.strerror or error}: {error.filename or ''}", 1
        case _:
            place = traceback.extract_tb(error.__traceback__)[-1]
            name = Path(place.filename).name
            message, status = f"a fault: {type(error).__name__} in {name}:{place.lineno}", 1
    line = " ".join(message.encode("utf-8", "backslashreplace").decode().split())
    line = line if run is None else run.for_people(line)
    print(f"cctv-vault: {line}", file=sys.stderr)  # noqa: T201
    return status
