"""The tools that one question has called, at whichever endpoint: what was done is done.

A link can fail when a tool has run and its outcome was not told. The question then goes to
another endpoint, which must neither do it again nor be silent about it: it is given the calls
and their outputs, and asked for the rest.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from device.assistant.downlink import ToolCalled
from device.realtime.events import ConversationItemCreate
from device.realtime.items import FunctionCallItem, FunctionCallOutputItem


@dataclass(slots=True)
class CallRecord:
    """One call, and what came of it."""

    called: ToolCalled
    link: int
    """The number of the link on which it was called."""
    output: str | None = None
    """JSON; None while it runs."""
    jpegs: tuple[bytes, ...] = ()
    """Pictures that belong to it, as long as the turn lasts."""


class TurnCalls:
    """The calls of one turn, in the order in which they were made."""

    def __init__(self) -> None:
        self.rounds = 0
        """Responses that called tools."""
        self.is_untold = False
        """Something was called, and no answer has been heard of since."""
        self._records: list[CallRecord] = []
        self._is_new_response = True

    def __bool__(self) -> bool:
        return bool(self._records)

    @property
    def is_running(self) -> bool:
        """Whether the outcome of a call is not known yet."""
        return any(record.output is None for record in self._records)

    # -- what happens ------------------------------------------------------------------

    def response_began(self) -> None:
        """The next calls belong together, and what is said tells of those before it."""
        self._is_new_response = True

    def answered(self) -> None:
        """Sound of an answer arrived."""
        if self._is_new_response:
            self.is_untold = False

    def round_of_call(self) -> int:
        """A response calls a tool; return how many have done so, this one included."""
        if self._is_new_response:
            self._is_new_response = False
            self.rounds += 1
        return self.rounds

    def begun(self, called: ToolCalled, link: int) -> None:
        """A tool is being run."""
        self._records.append(CallRecord(called, link))
        self.is_untold = True

    def ran_there(self, called: ToolCalled, output: str, link: int) -> None:
        """The endpoint has run a tool of its own."""
        self._records.append(CallRecord(called, link, output))
        self.is_untold = True

    def finished(
        self, call_id: str, output: str, jpegs: tuple[bytes, ...] = ()
    ) -> CallRecord | None:
        """A call has an outcome; return it, None where nobody has made it or waits for it."""
        for record in self._records:
            if record.called.call_id == call_id and record.output is None:
                record.output, record.jpegs = output, jpegs
                return record
        return None

    def give_up(self) -> None:
        """Wait no longer for what still runs: it may be done, or not."""
        for record in self._records:
            if record.output is None:
                record.output = _UNKNOWN

    # -- what another endpoint is told -------------------------------------------------

    def earlier(self, called: ToolCalled, link: int) -> str | None:
        """The output of the same call, when it was made on *another* link for this question.

        An endpoint that was told what has been done and wants it again gets that outcome. On
        one link a call may be meant to be made two times ("louder, and louder again").
        """
        for record in self._records:
            is_same = record.link != link and record.called.name == called.name
            if is_same and _plain(record.called.arguments) == _plain(called.arguments):
                return record.output
        return None

    def jpegs(self) -> list[bytes]:
        """The pictures that the outputs speak of."""
        return [jpeg for record in self._records for jpeg in record.jpegs]

    def events(self, *, sees: bool) -> list[ConversationItemCreate]:
        """Bring a session up to where all this is done: each call and its output.

        ``sees``: it is shown the pictures, too.
        """
        events: list[ConversationItemCreate] = []
        for record in self._records:
            called, output = record.called, record.output or _UNKNOWN
            if record.jpegs and not sees:
                output = _UNSEEN
            call = FunctionCallItem(
                name=called.name, arguments=called.arguments, call_id=called.call_id
            )
            told = FunctionCallOutputItem(call_id=called.call_id, output=output)
            events += [ConversationItemCreate(item=call), ConversationItemCreate(item=told)]
        return events

    def spoken(self) -> str | None:
        """What the tools want said of their outcomes; None where one of them has no words."""
        said = [_object(record.output).get("spoken") for record in self._records]
        texts = [text for text in said if isinstance(text, str)]
        return " ".join(filter(None, texts)) if len(texts) == len(said) else None

    @property
    def is_done(self) -> bool:
        """Whether something was called, and not all of it ended in an error."""
        return any("error" not in _object(record.output) for record in self._records)


_UNSEEN = json.dumps(
    {"error": "a picture was taken, which you cannot see; tell the user so", "try_again": False}
)
_UNKNOWN = json.dumps({"error": "nobody knows whether this was carried out", "try_again": False})


def _object(output: str | None) -> dict[str, object]:
    try:
        found = json.loads(output or "")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _plain(arguments: str) -> object:
    """Arguments that mean the same compare as equal, whoever wrote them; broken ones by text."""
    try:
        found = json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        return arguments.strip()
    if isinstance(found, dict):
        return {name: value for name, value in found.items() if value is not None}
    return found
