"""Arguments and options that groups of commands have in common."""

from typing import Annotated

import typer

Id = Annotated[str, typer.Argument(metavar="ID")]
Reason = Annotated[str, typer.Option(help="Why.")]
ReasonUnlessDry = Annotated[
    str | None, typer.Option(help="Why; not asked for by --dry-run.", show_default=False)
]
CameraList = Annotated[list[str], typer.Option("--camera", help="One or more cameras.")]
From = Annotated[str, typer.Option("--from", help="Start of the window.")]
To = Annotated[str, typer.Option("--to", help="End of the window.")]
