"""The papers: every run-time package and every model has its licence, its text, its owner."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from device.models.manifest import shipped
from device.papers.components import FACTS, LOCK, Inventory, Package, Text, inventory
from device.papers.notices import notices
from device.papers.release import NOTICES, SBOM, write_papers
from device.papers.sbom import bill_of_materials

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def found() -> Inventory:
    return inventory(shipped())


def test_nothing_is_missing(found: Inventory) -> None:
    assert found.gaps == []
    names = set(re.findall(r"^([a-z0-9-]+)==", LOCK.read_text(), re.MULTILINE))
    assert {each.name for each in found.packages} == names
    assert {each.set.name for each in found.models} == set(shipped().sets)


def test_licences_are_spdx(found: Inventory) -> None:
    word = re.compile(r"[A-Za-z0-9.+-]+")
    for each in found.packages:
        for part in re.split(r" AND | OR | WITH ", each.licence.replace("(", "").replace(")", "")):
            assert word.fullmatch(part), (each.name, each.licence)


def test_no_gpl_is_in_the_default_installation(found: Inventory) -> None:
    """But with the exception that makes it of no consequence."""
    said = [each.licence for each in found.packages] + [part.licence for part in found.parts]
    for licence in said:
        assert not re.search(r"(?<!L)GPL", licence) or "GCC-exception" in licence


def test_what_asks_for_something_is_named_with_what_to_do(found: Inventory) -> None:
    text = notices(found)
    asking = {part.name: part for part in found.parts if "GPL" in part.licence}
    assert {"libsoxr", "libsndfile", "autocommand", "libasound2", "python3-systemd"} <= set(asking)
    for part in asking.values():
        assert part.duty in text
        assert part.source in text


@pytest.mark.parametrize(
    ("flaw", "gap"),
    [
        ({"licence": ""}, "its licence is not known"),
        ({"texts": ()}, "no licence text"),
        (
            {"texts": (Text("COPYING", "  GNU LESSER GENERAL PUBLIC LICENSE\n   Version 3"),)},
            "no [part] says what of",
        ),
    ],
)
def test_a_gap_is_told(found: Inventory, flaw: dict[str, object], gap: str) -> None:
    whole = Package("new", "1.0", "MIT", "", (Text("LICENSE", "words"),))
    packages = (*found.packages, dataclasses.replace(whole, **flaw))  # type: ignore[arg-type]
    gaps = dataclasses.replace(found, packages=packages).gaps
    assert len(gaps) == 1
    assert gaps[0].startswith("new: ")
    assert gap in gaps[0]


def test_every_text_is_in_the_notices_once(found: Inventory) -> None:
    text = notices(found)
    for each in found.packages:
        for own in each.texts:
            assert text.count(own.content.strip()) >= 1, each.name
    assert len(re.findall(r"^Text \d+$", text, re.MULTILINE)) == len(
        {own.content for each in found.packages for own in each.texts}
        | {each.text.content for each in found.models if each.text is not None}
    )


def test_every_debian_package_that_the_installer_names_is_in_it(found: Inventory) -> None:
    script = (REPOSITORY / "scripts/lib/system.sh").read_text()
    lists = re.findall(r"PACKAGES_(?:TO_RUN|ON_A_PI)=\((.*?)\)", script, re.DOTALL)
    named = {line.split()[0] for each in lists for line in each.splitlines() if line.strip()}
    # Programs of the system itself, which nobody gets from us.
    assert named - {"python3", "python3-venv", "tzdata", "alsa-utils"} <= set(found.system)


def test_the_bill_of_materials_is_cyclonedx_and_the_same_each_time(found: Inventory) -> None:
    bill = bill_of_materials(found, "0.1.0", "abc")
    assert json.dumps(bill) == json.dumps(bill_of_materials(found, "0.1.0", "abc"))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", bill["serialNumber"])
    references = [each["bom-ref"] for each in bill["components"]]
    assert len(references) == len(set(references))
    assert {each["ref"] for each in bill["dependencies"]} == {"bittern", *references}
    by_name = {each["name"]: each for each in bill["components"]}
    silero = by_name["silero"]
    assert silero["type"] == "machine-learning-model"
    assert re.fullmatch("[0-9a-f]{64}", silero["components"][0]["hashes"][0]["content"])
    assert by_name["numpy"]["purl"].startswith("pkg:pypi/numpy@")


def test_they_lie_beside_a_release(tmp_path: Path) -> None:
    written = write_papers(tmp_path, "0.1.0", "abc")
    assert [path.name for path in written] == [NOTICES, SBOM]
    assert json.loads((tmp_path / SBOM).read_text())["metadata"]["component"]["version"] == "0.1.0"
    assert "What a distributor must do" in (tmp_path / NOTICES).read_text()


def test_the_facts_name_nothing_that_is_not_there(found: Inventory) -> None:
    import tomllib

    facts = tomllib.loads(FACTS.read_text())
    names = {each.name for each in found.packages}
    assert set(facts["package"]) <= names
    assert {part.within for part in found.parts} <= names | {"debian"}
    assert set(facts["model"]) <= set(shipped().sets) | {"needle3"}
