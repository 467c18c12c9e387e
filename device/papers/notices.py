"""The notices that go with an appliance: who made what, under which terms, in which words."""

from __future__ import annotations

from collections.abc import Iterator

from device.papers.components import Inventory, Text

_RULE = "=" * 78


def notices(of: Inventory) -> str:
    """Return it all as one plain text; each licence text stands once."""
    numbers: dict[str, int] = {}
    lines = [
        "Bittern is Apache-2.0 (LICENSE). With it, or fetched by it, comes the work of others.",
        "",
    ]
    lines += [*_duties(of), *_packages(of, numbers), *_models(of, numbers), *_system(of)]
    for content, number in numbers.items():
        lines += [_RULE, f"Text {number}", _RULE, "", content.strip(), ""]
    return "\n".join(lines)


def _duties(of: Inventory) -> Iterator[str]:
    yield _RULE
    yield "What a distributor must do (who gives away a card or an image, or sells a device)"
    yield _RULE
    yield ""
    yield "Pass on this text. For each of these parts, besides:"
    for part in of.parts:
        where = "of Debian" if part.within == "debian" else f"in the package {part.within}"
        yield ""
        yield f"{part.name} {where}: {part.licence}, {part.how}"
        yield f"    {part.duty}"
        yield f"    Source: {part.source}"
    yield ""


def _packages(of: Inventory, numbers: dict[str, int]) -> Iterator[str]:
    yield from (_RULE, "Python packages", _RULE, "")
    for each in of.packages:
        yield f"{each.name} {each.version}: {each.licence or 'licence not known'}"
        if each.homepage:
            yield f"    {each.homepage}"
        if each.texts:
            yield f"    {', '.join(_cited(text, numbers) for text in each.texts)}"
    yield ""


def _models(of: Inventory, numbers: dict[str, int]) -> Iterator[str]:
    yield from (_RULE, "Models (optional ones are fetched on request only)", _RULE, "")
    for each in of.models:
        kind = "" if each.set.default else ", optional"
        yield f"{each.set.name}{kind}: {each.set.licence}"
        yield f"    {each.set.about}. {each.copyright}"
        for archive in each.set.archives:
            yield f"    from the package {archive.project} {archive.version}"
        yield f"    {_cited(each.text, numbers) if each.text is not None else each.address}"
    yield ""


def _system(of: Inventory) -> Iterator[str]:
    yield from (_RULE, "Packages of Debian (their texts: /usr/share/doc/NAME/copyright)", _RULE, "")
    for name, licence in of.system.items():
        yield f"{name}: {licence}"
    yield ""


def _cited(text: Text, numbers: dict[str, int]) -> str:
    number = numbers.setdefault(text.content, len(numbers) + 1)
    return f"{text.name}: text {number}"
