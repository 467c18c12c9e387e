"""One client's session, sans-I/O: events and results in, effects out.

Nothing here waits, reads a clock or touches a socket: the time comes with every call,
and everything that has to be done stands in the `Outbox`. A whole conversation can be
replayed in a test, event by event, in a few milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from device.brain.base.abilities import Thinker
from device.brain.hearing.listening import TurnFinder, Utterance
from device.brain.hearing.semantics import wait_ms
from device.brain.protocol.codec import WireFormat, decoded_base64
from device.brain.protocol.configuration import Configuration
from device.brain.protocol.ids import NewId, random_id
from device.brain.protocol.limits import BrainLimits
from device.brain.protocol.requests import checked, parsed
from device.brain.protocol.shapes import RequestError
from device.brain.sessions.context import Context
from device.brain.sessions.conversation import Conversation
from device.brain.sessions.item_requests import ItemRequests
from device.brain.sessions.items import Item, Json, Sound
from device.brain.sessions.lengths import check_wishes
from device.brain.sessions.outbox import Outbox
from device.brain.sessions.responses import Responses
from device.brain.sessions.words import Words
from device.brain.work.jobs import (
    Effect,
    Heard,
    HearingFailed,
    Job,
    LearnTools,
    Result,
    Settled,
    Transcribed,
    TranscribeRecording,
    TranscriptionFailed,
)

CLOSE_EXPIRED = 1001
CLOSE_BROKEN = 1011
CLOSE_REFUSED = 4000


class Session:
    """Everything that one connected client can see of the brain."""

    def __init__(
        self,
        thinker: Thinker,
        now_s: float,
        epoch_s: float,
        *,
        limits: BrainLimits | None = None,
        strict: bool = False,
        model: str | None = None,
        is_transcription: bool = False,
        new_id: NewId = random_id,
        from_client: Callable[[Json], Json] | None = None,
    ) -> None:
        """``now_s`` is on any monotonic clock, ``epoch_s`` the same moment since 1970.

        ``from_client`` brings an event of another dialect to GA.
        """
        limits = self._limits = limits or BrainLimits()
        self._strict = strict
        self._from_client = from_client
        outbox = self._outbox = Outbox(new_id)
        self._expires_s = now_s + limits.session_s
        self._now_s = now_s
        self.heard_s = now_s
        """When the client last said anything."""
        self._is_over = False
        self._configuration = Configuration(
            new_id("sess"), round(epoch_s + limits.session_s), model, is_transcription
        )
        said = self._conversation = Conversation(new_id("conv"))
        count, keep = thinker.count_tokens, self._keep_within_limits
        context = Context(count, thinker.context_tokens)
        responses = Responses(outbox, said, context, count, limits, now_s, keep)
        self._responses = responses
        self._words = Words(outbox, responses.understood, responses.not_understood)
        self._items = ItemRequests(
            outbox, self._configuration, said, context, responses, self._words, limits
        )
        self._hearing = TurnFinder(self, lambda: new_id("item"), self._configuration.turn_detection)
        self._stray = b""
        self._handlers = self._handlers_by_type()
        self._outbox.emit("session.created", session=self._configuration.wire())

    def _handlers_by_type(self) -> Mapping[str, Callable[[Json], None]]:
        return {
            "session.update": self._update,
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.commit": self._commit,
            "input_audio_buffer.clear": self._clear,
            "conversation.item.create": self._create_item,
            "conversation.item.retrieve": self._items.retrieve,
            "conversation.item.delete": self._items.delete,
            "conversation.item.truncate": self._items.truncate,
            "response.create": self._create_response,
            "response.cancel": self._cancel_response,
            "output_audio_buffer.clear": self._clear_output,
        }

    # -------------------------------------------------------------------------- outside

    def take(self) -> list[Effect]:
        """Return what is to be done, in order."""
        return self._outbox.take()

    def receive(self, message: str | bytes, now_s: float) -> None:
        """Take one message of the client; whatever it is, the session goes on."""
        if self._is_over:
            return
        self._at(now_s)
        self.heard_s = now_s
        event_id = None
        try:
            event = parsed(message)
            event_id = _event_id(event)
            if self._from_client is not None:
                event = self._from_client(event)
            clean = checked(event, self._strict)
            self._handlers[clean["type"]](clean)
        except RequestError as error:
            self._outbox.emit_error(error, event_id)

    def deliver(self, result: Result, now_s: float) -> None:
        """Take the result of a job."""
        if self._is_over:
            return
        self._at(now_s)
        match result:
            case Heard():
                self._hearing.heard(result)
            case HearingFailed():
                self._give_up_hearing()
            case Settled():
                detection = self._configuration.turn_detection
                if detection is not None:
                    patience = wait_ms(result.transcript.text, detection.eagerness)
                    self._hearing.settled(result.stream, result.transcript, patience)
            case Transcribed():
                self._words.transcribed(result.stream, result.transcript)
            case TranscriptionFailed():
                self._words.failed(result.stream, result.code, result.message)
            case _:
                self._responses.deliver(result)

    def tick(self, now_s: float) -> None:
        """Do what is due by now."""
        if self._is_over:
            return
        self._at(now_s)
        if now_s >= self._expires_s:
            self._expire()
        elif now_s >= self._abandoned_s() and not self._responses.is_busy:
            self.end(f"Nothing was heard of the client for {self._limits.idle_s / 60:g} minutes.")
        elif (due_s := self._idle_deadline_s()) is not None and now_s >= due_s:
            self._time_out()

    def next_deadline_s(self) -> float | None:
        """When `tick` has something to do, on the clock of ``now_s``."""
        if self._is_over:
            return None
        idle_s = self._idle_deadline_s()
        # While it is busy, its end is seen to when the answer is done.
        ends_s = [self._expires_s] + ([] if self._responses.is_busy else [self._abandoned_s()])
        return min(ends_s if idle_s is None else [idle_s, *ends_s])

    @property
    def is_busy(self) -> bool:
        """Whether an answer is being made."""
        return self._responses.is_busy

    def set_writable(self, is_writable: bool) -> None:
        """Say whether the client reads what it gets; nothing is spoken while it does not."""
        self._outbox.is_writable = is_writable
        if is_writable:
            self._responses.writable_again()

    def close(self) -> None:
        """Drop all work: the client is gone."""
        if not self._is_over:
            self._is_over = True
            self._responses.stop_all()
            self._hearing.clear()
            for item in self._conversation:
                self._words.forget(item)

    def refuse(self, error: RequestError) -> None:
        """End the session with this error before it has begun."""
        self._is_over = True
        self._outbox.take()
        self._outbox.emit_error(error, None)
        self._outbox.close(CLOSE_REFUSED, f"{error.kind}.{error.code}")

    # ------------------------------------------------------------------------- the time

    def _at(self, now_s: float) -> None:
        self._now_s = now_s
        self._responses.at(now_s)

    def _expire(self) -> None:
        minutes = round(self._limits.session_s / 60, 2)
        self.end(f"Your session hit the maximum duration of {minutes:g} minutes.")

    def _abandoned_s(self) -> float:
        return self.heard_s + self._limits.idle_s

    def end(self, message: str) -> None:
        """End the session, telling the client why."""
        if self._is_over:
            return
        self._responses.stop_all()
        self._outbox.emit_error(RequestError("session_expired", message), None)
        self._outbox.close(CLOSE_EXPIRED, message)
        self._is_over = True

    def _give_up_hearing(self) -> None:
        """End the session: a deaf one would only look alive."""
        message = "The brain cannot hear any more; its log says why."
        self._responses.stop_all()
        self._outbox.emit_error(RequestError("server_error", message, kind="server_error"), None)
        self._outbox.close(CLOSE_BROKEN, message)
        self._is_over = True

    def _idle_deadline_s(self) -> float | None:
        detection = self._configuration.turn_detection
        quiet_s = self._responses.quiet_from_s
        if detection is None or detection.idle_timeout_ms is None or quiet_s is None:
            return None
        if self._hearing.is_speaking or self._responses.default is not None:
            return None
        return quiet_s + detection.idle_timeout_ms / 1000

    def _time_out(self) -> None:
        """Prompt the user, who has said nothing since the last answer was played."""
        detection = self._configuration.turn_detection
        assert detection is not None
        assert detection.idle_timeout_ms is not None
        end_ms = self._hearing.buffer.end_ms
        start_ms = max(0.0, end_ms - detection.idle_timeout_ms)
        item_id = self._outbox.new_id("item")
        self._outbox.emit(
            "input_audio_buffer.timeout_triggered",
            item_id=item_id,
            audio_start_ms=round(start_ms),
            audio_end_ms=round(end_ms),
        )
        form = self._hearing.buffer.format
        self._responses.quiet_from_s = None
        self._items.add_spoken(item_id, Sound(self._hearing.take_silence(start_ms), form, ""))
        if detection.create_response:
            self._respond_by_itself()

    # ---------------------------------------------------------------------- the session

    def _update(self, event: Json) -> None:
        check_wishes(event["session"], self._limits, "session")
        self._configuration.update(
            event["session"],
            self._strict,
            has_spoken=self._responses.has_spoken,
            is_responding=self._responses.is_busy,
        )
        configuration = self._configuration
        self._hearing.configure(
            configuration.turn_detection,
            configuration.input_format,
            configuration.language,
            configuration.vocabulary,
        )
        self._outbox.emit("session.updated", session=configuration.wire())
        if "tools" in event["session"]:
            self.start(LearnTools(configuration.response_settings({}).function_tools))
        for tool in event["session"].get("tools") or ():
            if tool["type"] == "mcp":
                self._decline_mcp()

    def _decline_mcp(self) -> None:
        """Say that an MCP server cannot be reached: the brain has no network, by design."""
        item_id = self._outbox.new_id("mcpl")
        self._outbox.emit("mcp_list_tools.in_progress", item_id=item_id)
        self._outbox.emit("mcp_list_tools.failed", item_id=item_id)

    # ------------------------------------------------------------------ the input buffer

    def _append(self, event: Json) -> None:
        data = decoded_base64(event["audio"], "audio")
        limits = self._limits
        if len(data) > limits.append_bytes:
            message = f"One append may hold {limits.append_bytes} bytes of audio, not {len(data)}."
            raise RequestError("invalid_value", message, "audio")
        if len(self._hearing.buffer) + len(data) > limits.buffered_audio_bytes:
            message = f"The input audio buffer is full ({limits.buffered_audio_bytes} bytes)."
            raise RequestError("input_audio_buffer_full", message, "audio")
        size = self._configuration.input_format.bytes_per_sample
        data = self._stray + data
        whole = len(data) - len(data) % size
        self._stray = data[whole:]
        if whole:
            self._hearing.append(data[:whole])

    def _commit(self, _event: Json) -> None:
        buffer = self._hearing.buffer
        manual = self._configuration.turn_detection is None
        length_ms = buffer.end_ms - buffer.start_ms if manual or self._hearing.is_speaking else 0.0
        if length_ms < self._limits.min_commit_ms:
            message = (
                "Error committing input audio buffer: buffer too small. Expected at least "
                f"{self._limits.min_commit_ms}ms of audio, but buffer only has {length_ms:.2f}ms "
                "of audio."
            )
            raise RequestError("input_audio_buffer_commit_empty", message)
        self._hearing.commit()

    def _clear(self, _event: Json) -> None:
        self._stray = b""
        self._hearing.clear()
        self._outbox.emit("input_audio_buffer.cleared")

    def speech_started(self, item_id: str, audio_start_ms: int) -> None:
        """Tell the client, and stop talking if it wants that."""
        self._outbox.emit(
            "input_audio_buffer.speech_started", item_id=item_id, audio_start_ms=audio_start_ms
        )
        self._responses.quiet_from_s = None
        detection = self._configuration.turn_detection
        if detection is not None and detection.interrupt_response:
            self._responses.interrupt()

    def speech_stopped(self, item_id: str, audio_end_ms: int) -> None:
        """Tell the client."""
        self._outbox.emit(
            "input_audio_buffer.speech_stopped", item_id=item_id, audio_end_ms=audio_end_ms
        )

    def committed(self, utterance: Utterance, data: bytes, form: WireFormat) -> None:
        """Make an item of a turn, and answer it if the client leaves that to the brain."""
        item = self._items.add_spoken(utterance.item_id, Sound(data, form))
        announced = self._configuration.transcription is not None
        self._words.expect(utterance.stream, item, 0, announced)
        detection = self._configuration.turn_detection
        if detection is not None and detection.create_response:
            self._respond_by_itself()

    def start(self, job: Job) -> None:
        """Have something done."""
        self._outbox.start(job)

    def _respond_by_itself(self) -> None:
        if self._configuration.is_transcription:
            return
        try:
            settings = self._configuration.response_settings({})
            self._responses.create(settings, list(self._conversation), is_out_of_band=False)
        except RequestError as error:
            self._outbox.emit_error(error, None)

    # --------------------------------------------------------------------------- items

    def _create_item(self, event: Json) -> None:
        self._transcribe(self._items.create(event))

    def _keep_within_limits(self) -> None:
        self._items.keep_within_limits()

    def _transcribe(self, item: Item) -> None:
        configuration = self._configuration
        for index, sound in item.sounds.items():
            stream = self._hearing.new_stream()
            self._words.expect(stream, item, index, is_announced=False)
            self._outbox.start(
                TranscribeRecording(
                    stream,
                    sound.data,
                    sound.format,
                    configuration.language,
                    configuration.vocabulary,
                )
            )

    # ------------------------------------------------------------------------ responses

    def _create_response(self, event: Json) -> None:
        if self._configuration.is_transcription:
            message = "A transcription session gives no responses."
            raise RequestError("invalid_value", message, "type")
        wanted: Json = event.get("response") or {}
        check_wishes(wanted, self._limits, "response")
        voice = wanted.get("audio", {}).get("output", {}).get("voice")
        param = "response.audio.output.voice"
        self._configuration.check_voice(voice, self._responses.has_spoken, param)
        settings = self._configuration.response_settings(wanted)
        context = self._items.answered_by(wanted)
        self._responses.create(settings, context, wanted.get("conversation") == "none")
        for item in context:
            if item.id not in self._conversation:
                self._transcribe(item)

    def _cancel_response(self, event: Json) -> None:
        self._responses.cancel(event.get("response_id"))

    def _clear_output(self, _event: Json) -> None:
        message = "output_audio_buffer.clear is only supported with WebRTC and SIP."
        raise RequestError("invalid_event", message, "type")


def _event_id(event: Json) -> str | None:
    event_id = event.get("event_id")
    return event_id if isinstance(event_id, str) else None
