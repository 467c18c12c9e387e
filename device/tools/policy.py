"""What the owner forbids models to do: tools by name, and calls by their arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class DenyRule:
    """One line of the owner: ``tool``, or ``tool argument=value, argument=value``.

    Names and values may hold ``*`` for any characters and ``?`` for one. Values are compared
    without regard to case; one of a list is enough. Numbers are written as people do: ``100``.
    """

    tool: str
    arguments: tuple[tuple[str, str], ...] = ()
    """Each of them must match; none: every call."""

    @classmethod
    def read(cls, line: str) -> DenyRule:
        """Read a line that the settings have found well-formed."""
        tool, _, rest = line.strip().partition(" ")
        pairs = (each.partition("=") for each in rest.split(",") if each.strip())
        return cls(tool, tuple((name.strip(), value.strip()) for name, _, value in pairs))

    def names(self, tool: str) -> bool:
        """Whether it is about this tool at all."""
        return fnmatchcase(tool, self.tool)

    def matches(self, tool: str, arguments: Mapping[str, object]) -> bool:
        """Whether it forbids this call."""
        return self.names(tool) and all(
            name in arguments and _is_like(arguments[name], pattern)
            for name, pattern in self.arguments
        )


class ToolPolicy:
    """All that is forbidden; what no rule forbids is allowed."""

    def __init__(self, lines: Iterable[str] = ()) -> None:
        self._rules = tuple(DenyRule.read(line) for line in lines)

    def offers(self, tool: str) -> bool:
        """Whether a model is to know of it: no rule forbids every call of it."""
        return not any(rule.names(tool) and not rule.arguments for rule in self._rules)

    def permits(self, tool: str, arguments: Mapping[str, object]) -> bool:
        """Whether a call with these arguments, as they were read, may be carried out."""
        return not any(rule.matches(tool, arguments) for rule in self._rules)


def _is_like(value: object, pattern: str) -> bool:
    match value:
        case list() | tuple():
            return any(_is_like(each, pattern) for each in value)
        case bool():
            text = str(value)
        case float() if value.is_integer():
            text = str(int(value))
        case _:
            text = str(value)
    return fnmatchcase(text.strip().casefold(), pattern.casefold())
