"""The command ``demo``: a living shop, or the whole story told on the terminal."""

import os
from pathlib import Path
from typing import Annotated

import typer

from cctv_vault.cli.session import session


def demo(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="Port of the staff pages.")] = 8080,
    once: Annotated[bool, typer.Option(help="Tell the story on the terminal and leave.")] = False,
) -> None:
    """A living shop in a fresh temporary home."""
    run = session(context)

    def say(line: str) -> None:
        run.out.print(line, markup=False)

    if once:
        from cctv_vault.demo.story import tell

        folder = os.environ.get("CCTV_VAULT_MEDIA")
        if not tell(Path(folder) if folder else None, say):
            run.fail("a step of the story did not hold; the lines above say which")
        return
    from cctv_vault.demo.living import open_shop

    raise typer.Exit(open_shop(port, say))


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(demo)
