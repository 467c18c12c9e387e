"""The bill of materials of a release, as CycloneDX 1.6 has it (ECMA-424)."""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_URL, uuid5

from device.papers.components import Inventory, Model, Package

SPEC_VERSION = "1.6"
_HOME = "https://bittern.invalid/"
"""For a serial number that is the same whenever the same release is described."""


def bill_of_materials(of: Inventory, version: str, release: str = "") -> dict[str, Any]:
    """Return the document, ready for JSON. ``release`` is the id of a signed release, if any.

    Nothing in it depends on when or where it was made.
    """
    components = [
        *map(_package, of.packages),
        *(_model(each) for each in of.models),
        *map(_system, of.system.items()),
    ]
    serial = uuid5(NAMESPACE_URL, f"{_HOME}{version}/{release}")
    return {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "bittern",
                "name": "bittern",
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": components,
        "dependencies": [
            {"ref": "bittern", "dependsOn": [each["bom-ref"] for each in components]},
            *({"ref": each["bom-ref"]} for each in components),
        ],
    }


def _package(of: Package) -> dict[str, Any]:
    described: dict[str, Any] = {
        "type": "library",
        "bom-ref": of.purl,
        "name": of.name,
        "version": of.version,
        "purl": of.purl,
        "licenses": [{"expression": of.licence}] if of.licence else [],
    }
    if of.homepage:
        described["externalReferences"] = [{"type": "website", "url": of.homepage}]
    return described


def _model(of: Model) -> dict[str, Any]:
    return {
        "type": "machine-learning-model",
        "bom-ref": f"model/{of.set.name}",
        "name": of.set.name,
        "version": of.set.archives[0].version,
        "description": of.set.about,
        "copyright": of.copyright,
        "scope": "required" if of.set.default else "optional",
        "licenses": [{"license": {"name": of.set.licence}}],
        "components": [
            {
                "type": "file",
                "bom-ref": f"model/{file.path}",
                "name": file.path,
                "hashes": [{"alg": "SHA-256", "content": file.sha256}],
            }
            for file in of.set.files
        ],
    }


def _system(package: tuple[str, str]) -> dict[str, Any]:
    name, licence = package
    return {
        "type": "library",
        "bom-ref": f"pkg:deb/debian/{name}",
        "name": name,
        "purl": f"pkg:deb/debian/{name}",
        "licenses": [{"expression": licence}],
    }
