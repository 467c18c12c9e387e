"""The bill of materials obeys the schema that its makers publish, and would be told if not."""

from __future__ import annotations

import copy
import json
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft7Validator
from license_expression import get_spdx_licensing
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from device.models.manifest import shipped
from device.papers.components import inventory
from device.papers.sbom import SPEC_VERSION, bill_of_materials


@pytest.fixture(scope="module")
def validator() -> Draft7Validator:
    folder = files("cyclonedx.schema") / "_res"
    names = [f"{it}.SNAPSHOT.schema.json" for it in ("spdx", f"bom-{SPEC_VERSION}", "jsf-0.82")]
    read = {name: json.loads((folder / name).read_text()) for name in names}
    # The one names the others by their files, relative to an address that is not asked.
    one = read[names[1]]
    del one["$id"]
    registry = Registry().with_resources(
        (name, Resource.from_contents(it, DRAFT7)) for name, it in read.items()
    )
    return Draft7Validator(one, registry=registry)


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    return bill_of_materials(inventory(shipped()), "1.2.3", "0123456789ab")


def test_it_is_valid(validator: Draft7Validator, bill: dict[str, Any]) -> None:
    found = [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(bill)]
    assert found == []


@pytest.mark.parametrize("flaw", ["type", "purl", "hash", "licence"])
def test_a_flaw_would_be_told(validator: Draft7Validator, bill: dict[str, Any], flaw: str) -> None:
    harmed = copy.deepcopy(bill)
    first = harmed["components"][0]
    match flaw:
        case "type":
            first["type"] = "biscuit"
        case "purl":
            first["purl"] = 7
        case "hash":
            model = next(it for it in harmed["components"] if "components" in it)
            model["components"][0]["hashes"][0]["content"] = "not hex"
        case "licence":
            first["licenses"] = [{"license": {"id": "Nobody-1.0"}}]
    assert not validator.is_valid(harmed)


def test_every_licence_is_an_expression_that_spdx_knows(bill: dict[str, Any]) -> None:
    """The schema takes any text for one."""
    spdx = get_spdx_licensing()
    for component in bill["components"]:
        for licence in component["licenses"]:
            if "expression" in licence:
                unknown = spdx.unknown_license_keys(licence["expression"])
                assert unknown == [], (component["name"], licence["expression"])
