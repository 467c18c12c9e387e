"""What is true of the house around the brain, for answers that nobody may guess.

The brain cannot look: it is a process of its own and owns nothing of the house. Whoever
starts it says what the settings say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HouseTruths:
    """What the settings say, as far as somebody may ask about it."""

    country: str = ""
    """Two letters (ISO 3166); empty where nobody said."""
    help_tool: str = ""
    """The tool that is offered in an emergency; empty for none."""
    may_ask_cloud: bool = False
    """Whether endpoints elsewhere may get questions as well."""
    keeps_sound: bool = False
    """Whether sound around the wake word is kept on the device."""
    keeps_words: bool = False
    """Whether what was said is written to the log."""


@dataclass(frozen=True, slots=True)
class HelpNumbers:
    """Whom to call in one country, as it is dialled."""

    emergency: str
    """Ambulance, where the services have different numbers."""
    police: str = ""
    fire: str = ""
    crisis: str = ""
    """Somebody to talk to, for who wants to die; free of charge and by day and night."""
    poison: str = ""


_EU = HelpNumbers("112")
_BY_COUNTRY: Mapping[str, HelpNumbers] = {
    **dict.fromkeys(("BG", "CY", "EE", "ES", "FI", "GR", "HR", "HU", "IS", "IT"), _EU),
    **dict.fromkeys(("LT", "LU", "LV", "MT", "PT", "RO", "SI", "SK", "TR", "UA"), _EU),
    "AT": HelpNumbers("112", crisis="142", poison="01 406 43 43"),
    "AU": HelpNumbers("000", crisis="13 11 14", poison="13 11 26"),
    "BE": HelpNumbers("112", crisis="1813"),
    "BR": HelpNumbers("192", police="190", fire="193", crisis="188"),
    "CA": HelpNumbers("911", crisis="988"),
    "CH": HelpNumbers("112", crisis="143", poison="145"),
    "CZ": HelpNumbers("112", crisis="116 123"),
    "DE": HelpNumbers("112", crisis="0800 111 0 111"),
    "DK": HelpNumbers("112", crisis="70 201 201"),
    "FR": HelpNumbers("112", crisis="3114"),
    "GB": HelpNumbers("999", crisis="116 123"),
    "IE": HelpNumbers("112", crisis="116 123"),
    "IN": HelpNumbers("112", crisis="14416"),
    "JP": HelpNumbers("119", police="110"),
    "KR": HelpNumbers("119", police="112"),
    "MX": HelpNumbers("911"),
    "NL": HelpNumbers("112", crisis="113"),
    "NO": HelpNumbers("113", police="112", fire="110", crisis="116 123"),
    "NZ": HelpNumbers("111", crisis="1737", poison="0800 764 766"),
    "PL": HelpNumbers("112", crisis="116 123"),
    "SE": HelpNumbers("112", crisis="90101"),
    "US": HelpNumbers("911", crisis="988", poison="1 800 222 1222"),
    "ZA": HelpNumbers("112", crisis="0800 567 567"),
}
"""As the services publish them. Who is in another country is told 112 or 911."""


def numbers_of(country: str) -> HelpNumbers | None:
    """Return whom to call there; None where nobody wrote it down."""
    return _BY_COUNTRY.get(country.upper())
