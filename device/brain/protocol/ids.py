"""Names for sessions, items, responses, calls and events."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from typing import TypeAlias

NewId: TypeAlias = Callable[[str], str]
"""From a prefix (``item``) to a name that nobody has yet (``item_8fQ…``)."""

_ALPHABET = string.ascii_letters + string.digits


def random_id(prefix: str) -> str:
    """Return a name of 21 random letters and digits (125 bits) behind the prefix."""
    return f"{prefix}_" + "".join(secrets.choice(_ALPHABET) for _ in range(21))
