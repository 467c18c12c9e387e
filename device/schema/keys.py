"""What a person may write for one key, kept in the metadata of the dataclass field."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

METADATA = "bittern.key"


@dataclasses.dataclass(frozen=True)
class Key:
    """What is allowed for one key beyond its type, and how to say so."""

    help: str
    """One sentence for a person, without unit and range."""
    unit: str = ""
    """As written behind a number: ``ms``, ``s``, ``Hz``, ``%``, ``dB``."""
    low: float | None = None
    """Least number allowed; of a list, the least count of entries."""
    high: float | None = None
    """Greatest number allowed; of a list, the greatest count of entries."""
    special: tuple[tuple[Any, str], ...] = ()
    """Values outside the range that are allowed too, each with what it means."""
    choices: tuple[Any, ...] = ()
    """The only values allowed, where the type itself does not say so."""
    form: str = ""
    """A regular expression that the whole text must match."""
    form_help: str = ""
    """The form in words, as it follows "expected"."""
    required: bool = False
    """There is no default: whoever writes the table must write this key."""


def key(
    default: Any = dataclasses.MISSING,
    help: str = "",
    *,
    special: Mapping[Any, str] | None = None,
    default_factory: Callable[[], Any] | None = None,
    **rules: Any,
) -> Any:
    """Declare a dataclass field that is a key of a file; see :class:`Key` for the rules."""
    required = default is dataclasses.MISSING and default_factory is None
    rule = Key(help=help, special=tuple((special or {}).items()), required=required, **rules)
    metadata = {METADATA: rule}
    if required:
        return dataclasses.field(metadata=metadata)
    if default_factory is not None:
        return dataclasses.field(default_factory=default_factory, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def key_of(field: dataclasses.Field[Any]) -> Key:
    """Return the rules of a field declared with :func:`key`."""
    rule: Key = field.metadata[METADATA]
    return rule


def matches(rule: Key, text: str) -> bool:
    """Say whether a text has the form that the rule asks for."""
    return not rule.form or re.fullmatch(rule.form, text) is not None
