"""The papers that lie beside a release."""

from __future__ import annotations

import json
from pathlib import Path

from device.models.manifest import shipped
from device.papers.components import PapersError, inventory
from device.papers.notices import notices
from device.papers.sbom import bill_of_materials
from device.updates.durable import write_whole

NOTICES, SBOM = "third-party-notices.txt", "sbom.cdx.json"


def write_papers(out: Path, version: str, release: str) -> list[Path]:
    """Write notices and SBOM of what is installed here into the folder of a release.

    Raises :class:`PapersError` where anything is missing: such a release is not to be
    passed on.
    """
    found = inventory(shipped())
    if found.gaps:
        raise PapersError("; ".join(found.gaps), "Say it in firmware_config/licences.toml.")
    document = json.dumps(bill_of_materials(found, version, release), indent=1)
    write_whole(out / NOTICES, notices(found).encode())
    write_whole(out / SBOM, document.encode() + b"\n")
    return [out / NOTICES, out / SBOM]
