"""The responses of a session: who may begin, what each one answers to, how they end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from device.brain.protocol.configuration import ResponseSettings
from device.brain.protocol.limits import BrainLimits
from device.brain.protocol.rates import TokenRate
from device.brain.protocol.shapes import RequestError
from device.brain.sessions.context import Context
from device.brain.sessions.conversation import Conversation
from device.brain.sessions.items import CountTokens, Item
from device.brain.sessions.outbox import Outbox
from device.brain.sessions.response import Response
from device.brain.work.jobs import (
    Job,
    SpeakingEnded,
    SpeakingFailed,
    Spoken,
    Thought,
    ThoughtEnded,
    ThoughtFailed,
)

ResponseResult = Thought | ThoughtEnded | ThoughtFailed | Spoken | SpeakingEnded | SpeakingFailed


class Responses:
    """At most one response writes to the conversation; others run beside it, out of band."""

    def __init__(
        self,
        outbox: Outbox,
        conversation: Conversation,
        context: Context,
        count: CountTokens,
        limits: BrainLimits,
        now_s: float,
        conversation_has_grown: Callable[[], None],
    ) -> None:
        self._outbox = outbox
        self._conversation = conversation
        self._context = context
        self._count = count
        self._limits = limits
        self._rate = TokenRate(limits.tokens_per_minute, now_s)
        self._now_s = now_s
        self._conversation_has_grown = conversation_has_grown
        self._active: dict[str, Response] = {}
        self.default: Response | None = None
        """The one that writes to the conversation."""
        self.has_spoken = False
        """Whether the client has got any sound in this session."""
        self.quiet_from_s: float | None = None
        """When the last answer in the conversation will have been played to its end."""
        self._first_sound_s: float | None = None

    # ---------------------------------------------------------------- for the session

    @property
    def is_busy(self) -> bool:
        """Whether any response goes on."""
        return bool(self._active)

    def at(self, now_s: float) -> None:
        """Take note of the time."""
        self._now_s = now_s

    def create(
        self, settings: ResponseSettings, context: Sequence[Item], is_out_of_band: bool
    ) -> None:
        """Begin a response; raise `RequestError` when it may not begin."""
        if not is_out_of_band and self.default is not None:
            message = (
                f"Conversation already has an active response in progress: {self.default.id}. "
                "Wait until the response is finished before creating a new one."
            )
            raise RequestError("conversation_already_has_active_response", message)
        if len(self._active) >= self._limits.responses_per_session:
            message = f"At most {self._limits.responses_per_session} responses at a time."
            raise RequestError("rate_limit_exceeded", message)
        conversation_id = None if is_out_of_band else self._conversation.id
        response = Response(self, settings, conversation_id, list(context))
        self._active[response.id] = response
        if not is_out_of_band:
            self.default = response
            self.quiet_from_s = None
            self._first_sound_s = None
        response.announce()
        if self._rate.is_exhausted(self._now_s):
            message = f"Rate limit reached: {self._rate.limit} tokens per minute."
            response.fail("rate_limit_exceeded", message, kind="tokens")
        else:
            self._think_if_ready(response)

    def cancel(self, response_id: str | None) -> None:
        """Cancel one response, or that of the conversation; raise if there is none."""
        response = self.default if response_id is None else self._active.get(response_id)
        if response is None:
            message = "Cancellation failed: no active response found"
            raise RequestError("response_cancel_not_active", message)
        response.cancel("client_cancelled")

    def interrupt(self) -> None:
        """Cancel the response of the conversation because the user speaks."""
        if self.default is not None:
            self.default.cancel("turn_detected")

    def stop_all(self) -> None:
        """Cancel everything; the session ends."""
        for response in list(self._active.values()):
            response.cancel("client_cancelled")

    def awaits(self, item: Item) -> bool:
        """Whether a response cannot begin before this item has been put into words."""
        return any(item in response.context for response in self._active.values())

    def understood(self, item: Item) -> None:
        """Go on with the responses that waited for these words."""
        for response in list(self._active.values()):
            if item in response.context:
                self._think_if_ready(response)

    def not_understood(self, item: Item, code: str, message: str) -> None:
        """Fail the responses that were to answer a sound without words."""
        for response in list(self._active.values()):
            if response.context and response.context[-1] is item and not response.is_thinking:
                response.fail(code, message)
        self.understood(item)

    def writable_again(self) -> None:
        """Go on speaking: the client has read what there was."""
        for response in list(self._active.values()):
            response.go_on()

    def deliver(self, result: ResponseResult) -> None:
        """Take a result of a job; what nobody waits for any more is dropped."""
        for response in self._active.values():
            if result.job in response.jobs:
                self._deliver_to(response, result)
                return

    def _deliver_to(self, response: Response, result: ResponseResult) -> None:
        match result:
            case Thought():
                response.thought(result.piece)
            case ThoughtEnded():
                response.thought_ended()
            case Spoken():
                self._note_sound(response)
                response.spoken(result.data)
            case SpeakingEnded():
                response.speaking_ended()
            case ThoughtFailed() | SpeakingFailed():
                response.fail(result.code, result.message)

    def _note_sound(self, response: Response) -> None:
        self.has_spoken = True
        if response is self.default and self._first_sound_s is None:
            self._first_sound_s = self._now_s

    def _think_if_ready(self, response: Response) -> None:
        if response.is_thinking or not response.is_active:
            return
        if not all(item.is_understood for item in response.context):
            return
        try:
            request, tokens = self._context.prepare(response.context, response.settings)
        except RequestError as error:
            response.fail(error.code or "invalid_value", error.message, error.kind)
            return
        response.input_tokens = tokens
        response.think(request)

    # --------------------------------------------------------------- for the responses

    @property
    def is_writable(self) -> bool:
        """Whether the client reads what it gets."""
        return self._outbox.is_writable

    def emit(self, kind: str, **fields: Any) -> None:
        """Send an event."""
        self._outbox.emit(kind, **fields)

    def start(self, job: Job) -> None:
        """Have something done."""
        self._outbox.start(job)

    def new_id(self, prefix: str) -> str:
        """Return a fresh id."""
        return self._outbox.new_id(prefix)

    def new_job(self) -> int:
        """Return a fresh job number."""
        return self._outbox.new_job()

    def count_tokens(self, text: str) -> int:
        """Return how many tokens a text has."""
        return self._count(text)

    def item_begun(self, response: Response, item: Item) -> None:
        """Take a new item into the conversation, if the response belongs to one."""
        if response is self.default:
            previous = self._conversation.last_id
            self._conversation.insert(item)
            self.emit("conversation.item.added", previous_item_id=previous, item=item.wire())

    def item_ended(self, response: Response, item: Item) -> None:
        """Say that the item will not change any more."""
        if response is self.default and item.id in self._conversation:
            previous = self._conversation.before(item)
            self.emit("conversation.item.done", previous_item_id=previous, item=item.wire())
            self._conversation_has_grown()

    def response_ended(self, response: Response) -> None:
        """Let the next one begin, and tell what is left of the rate."""
        del self._active[response.id]
        if response is self.default:
            self.default = None
            self.quiet_from_s = self._now_s
            if self._first_sound_s is not None:
                played_s = self._first_sound_s + response.spoken_ms / 1000
                self.quiet_from_s = max(self._now_s, played_s)
        self._rate.use(response.input_tokens.total + response.output_tokens.total, self._now_s)
        self.emit("rate_limits.updated", rate_limits=self._rate.wire(self._now_s))
