"""What was asked and answered: remembered for the next link, and told to whoever wants to know."""

from __future__ import annotations

from device.assistant import news
from device.assistant.history import History
from device.assistant.outbox import Outbox
from device.assistant.turn import Mark, Turn


class Chronicle:
    """Writes the history of the conversation, and the news of it."""

    def __init__(self, memory_s: float, out: Outbox) -> None:
        """``memory_s``: how old a sentence may be to be repeated to a new link."""
        self.history = History(memory_s)
        self._out = out

    def typed(self, turn: Turn, text: str) -> None:
        """The user wrote it, and knows."""
        self.history.add(turn.number, "user", text, self._out.now_s, turn.profile.name)

    def heard(self, turn: int, text: str, endpoint: str, profile: str) -> None:
        """The endpoint's transcript of a question."""
        self.history.add(turn, "user", text, self._out.now_s, profile)
        self._out.tell(news.QuestionHeard(turn, text.strip(), endpoint))

    def said(self, turn: Turn, texts: list[str], *, is_interrupted: bool = False) -> None:
        """An answer, as far as it was heard."""
        text = " ".join(texts).strip()
        self.history.add(turn.number, "assistant", text, self._out.now_s, turn.profile.name)
        if text or is_interrupted:
            self._out.tell(news.AnswerSaid(turn.number, text, turn.endpoint, is_interrupted))

    def ended(self, turn: Turn) -> None:
        """A turn is over, and accounted for."""
        turn.mark(Mark.DONE, self._out.now_s)
        self._out.tell(news.TurnEnded(turn.number, turn.figures()))
