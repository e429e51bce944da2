"""The verb `app`: the editor in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from eclipsed.cli import console, options
from eclipsed.errors import MissingExtra, install_command


def app(
    world: options.World = "starter",
    library: Annotated[
        Path | None,
        typer.Option(help="The folder of cards; by default one in your user data."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="By default the first free one from 8501."),
    ] = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the address instead of opening it.")
    ] = False,
    device: options.Device = "auto",
) -> None:
    """Open the editor in the browser.

    It is served to this machine alone, and nothing is sent anywhere. Ctrl-C ends it.
    """
    bootstrap = _streamlit()

    from eclipsed.app import server

    if port is not None:
        server.check_port(port)
    console.note("looking at the world …")
    server.open_world(world, device, library)
    flags = server.options(port or server.free_port(), browser=not no_browser)
    # Streamlit takes its options with an underscore for each dot.
    named = {name.replace(".", "_"): value for name, value in flags.items()}
    bootstrap.load_config_options(flag_options=named)
    console.note(f"the editor: http://127.0.0.1:{flags['server.port']} (Ctrl-C ends it)")
    bootstrap.run(str(server.SCRIPT), False, [], named)


def _streamlit() -> Any:
    """What runs a Streamlit script; MissingExtra where there is no Streamlit that can."""
    try:
        import streamlit.components.v2  # noqa: F401 - the oldest part that the editor needs
        from streamlit.web import bootstrap
    except ImportError as error:
        raise MissingExtra(
            "The editor needs Streamlit, which is not installed.",
            f"Install it: {install_command('app')}",
        ) from error
    return bootstrap
