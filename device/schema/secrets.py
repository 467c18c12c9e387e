"""What must never stand in a file that is shared, copied and shown to others."""

from __future__ import annotations

import re
from typing import Any

ADVICE = (
    "expected no secret in this file: keep it in an environment variable or a file of its own, "
    "and name that with key_env or key_file"
)
MASK = "<hidden>"
_SECRET_NAME = re.compile(
    r"(?:.*[_-])?(?:key|apikey|token|secret|password|passwd|passphrase|bearer|authorization)", re.I
)
# Keys of OpenAI ("sk-…", "ek_…" for the short-lived ones) and of many that imitate them; an
# Azure key is 32 hexadecimal digits or, since 2024, 84 letters and digits without a break;
# a url may carry a password before its host, or a key in its query.
_SECRET_VALUE = re.compile(
    r"\b(?:sk|ek|pk|rk)[-_](?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{16,}"
    r"|\bBearer\s+\S{8,}"
    r"|^(?:[0-9a-fA-F]{32}|[A-Za-z0-9]{80,})$"
    r"|://[^/\s:@]*:[^/\s@]+@"
    r"|[?&](?:api[-_]?key|key|token|secret|password)=[^&\s]",
    re.IGNORECASE,
)


def is_secret_name(name: str) -> bool:
    """Say whether a key of this name would hold a secret."""
    return _SECRET_NAME.fullmatch(name) is not None


def holds_secret(value: Any) -> bool:
    """Say whether a value, or one inside it, looks like a secret."""
    if isinstance(value, str):
        return _SECRET_VALUE.search(value) is not None
    if isinstance(value, list | tuple):
        return any(holds_secret(entry) for entry in value)
    if isinstance(value, dict):
        return any(is_secret_name(name) or holds_secret(entry) for name, entry in value.items())
    return False
