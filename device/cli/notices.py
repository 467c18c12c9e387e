"""``bittern notices``: whose work is in here, and under which terms."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from device.cli import Commands


def add_commands(commands: Commands[Any]) -> None:
    """Declare ``notices``."""
    about = "print the licences and notices of everything that is installed to run"
    parser = commands.add_parser(
        "notices",
        help=about,
        description=f"{about.capitalize()}, and what who passes it on must do. Ends with 1 where "
        "a licence, a text or a copyright holder is not known.",
    )
    parser.add_argument("--sbom", action="store_true", help="the same for machines: CycloneDX JSON")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Print, and say what is missing."""
    import json

    from device import __version__
    from device.models.manifest import shipped
    from device.papers.components import inventory
    from device.papers.notices import notices
    from device.papers.sbom import bill_of_materials

    found = inventory(shipped())
    if chosen.sbom:
        print(json.dumps(bill_of_materials(found, __version__), indent=1))
    else:
        print(notices(found))
    for gap in found.gaps:
        print(f"bittern: {gap}", file=sys.stderr)
    return 1 if found.gaps else 0
