"""``bittern tools new|check|host``: the owner's own tools, and the process that runs them."""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.cli.config import add_config_option
from device.errors import EXIT_FAILURE, BitternError

if TYPE_CHECKING:
    from device.cli import Commands
    from device.settings import LoadedSettings
    from device.tools.hosted.messages import SourceTold

LIKE = ("example", "program", "weather", "news")
"""What is shipped to begin with (``firmware_config/tools``)."""


def add_verbs(verbs: Commands[Any]) -> None:
    """Declare them."""
    new = verbs.add_parser(
        "new",
        help="write a working tool of your own, to change",
        description="Writes NAME.py, or a program NAME, into the folder of your own tools.",
    )
    new.add_argument("name", metavar="NAME", help="what the assistant is to call it")
    new.add_argument("--like", choices=LIKE, default="example", help="what to begin with (example)")
    add_config_option(new)
    new.set_defaults(run=_new)

    check = verbs.add_parser(
        "check",
        help="say what is in your own tools, and what is wrong with them, by file and line",
        description="Reads the files as the appliance does: it runs them. Ends with 1 when "
        "something is wrong.",
    )
    check.add_argument("file", nargs="*", type=Path, metavar="FILE", help="instead of the folder")
    add_config_option(check)
    check.set_defaults(run=_check)

    host = verbs.add_parser("host", help="run other people's tools; the appliance starts this")
    host.add_argument(
        "--listen", type=Path, metavar="PATH", help="a socket that systemd does not give"
    )
    add_config_option(host)
    host.set_defaults(run=_host)


def _new(chosen: argparse.Namespace) -> int:
    from device.settings import load_settings
    from device.settings.places import own_tools_folder
    from device.toolhost.own_examples import write_example

    folder = own_tools_folder(load_settings(chosen.config).settings.own_tools.folder)
    path = write_example(folder, chosen.name, chosen.like)
    print(f"wrote {path}")
    print("The appliance offers it when it is started or reloaded the next time (bittern reload).")
    return 0


def _check(chosen: argparse.Namespace) -> int:
    from device.settings import load_settings
    from device.settings.places import SYSTEMD_TOOLS, own_tools_folder
    from device.settings.rules import OWN_SOURCE
    from device.toolhost.own_source import OwnSource, files_in

    loaded = load_settings(chosen.config)
    own = loaded.settings.own_tools
    folder = own_tools_folder(own.folder)
    files = [file.absolute() for file in chosen.file] or list(files_in(folder))
    if missing := [str(file) for file in files if not file.is_file()]:
        raise BitternError(f"there is no file {missing[0]}", "")
    if SYSTEMD_TOOLS.is_socket() and os.geteuid() == 0:
        if chosen.file:
            raise BitternError(
                "these files would be run with the rights of root",
                "Check them as yourself, or put them into the folder, which is run by nobody.",
            )
        told = asyncio.run(_told_by_host(loaded))
    else:
        source = OwnSource(OWN_SOURCE, folder, own.timeout_s, os.environ)
        told = asyncio.run(source.look(files))
    for tool in told.tools:
        print(f"{tool.name}  {tool.description.splitlines()[0] if tool.description else ''}")
    for mistake in told.mistakes:
        print(mistake)
    if not files:
        print(f"there are none in {folder}; `bittern tools new NAME` makes one")
    return EXIT_FAILURE if told.mistakes else 0


async def _told_by_host(loaded: LoadedSettings) -> SourceTold:
    """As the installed service sees them, in its sandbox."""
    from device.house.host_visit import visit
    from device.settings.rules import OWN_SOURCE
    from device.tools.hosted.messages import SourceTold

    async with visit(loaded) as visiting:
        await visiting.settle()
        return visiting.hosted.told.get(OWN_SOURCE, SourceTold(OWN_SOURCE, is_ready=False))


def _host(chosen: argparse.Namespace) -> int:
    from device.toolhost.__main__ import serve

    serve(chosen.config, chosen.listen, os.environ)
    return 0
