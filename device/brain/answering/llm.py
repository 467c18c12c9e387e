"""The chat model: any GGUF with a chat template, run by llama.cpp inside this process.

``xllamacpp`` starts llama.cpp's own web server whether one wants it or not, and it asks
nobody for a password. We never speak HTTP with it. So it listens on a Unix socket in a
folder that only we can enter, asks for a random key there, and the socket loses its name
the moment it exists: no port is opened, and nothing is left that could be connected to.
"""

from __future__ import annotations

import json
import logging
import queue
import re
import secrets
import tempfile
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from device.brain.base.abilities import AbilityFailedError, Cancellation

_log = logging.getLogger(__name__)

ChatMessage = Mapping[str, Any]
"""One message as chat templates know it: ``role``, ``content``, perhaps ``tool_calls``."""

_PREFILL_TOKENS = 4
"""Prompt tokens between two looks at the cancellation: about 13 ms of one core for 135M, and
it may be at the next four already. Eight at a time took as long for each."""
_END: Final = None
_COUNTED_CHARACTERS = 4096
"""Longer texts are weighed by their length: it is counted on the thread that serves everybody."""
_TOKEN = re.compile(r"\w+|[^\w\s]|\s+")


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """How a model is run."""

    context_tokens: int = 1024
    """Conversation and answer together; a token costs 23 kB of memory with the 135M model."""
    threads: int = 1
    """The audio path needs a core of its own: two threads on two busy cores ran at a
    fifteenth of the speed of one."""
    temperature: float = 0.5
    top_p: float = 0.9
    repeat_penalty: float = 1.15
    chat_template: str = ""
    """Jinja text in place of the template in the file; for files without one."""


@dataclass(frozen=True, slots=True)
class ChatText:
    """The next characters."""

    text: str


@dataclass(frozen=True, slots=True)
class ChatCall:
    """A tool call, whole."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ChatEnd:
    """Why the model stopped: ``stop``, ``length`` or ``tool_calls``."""

    reason: str


ChatPiece = ChatText | ChatCall | ChatEnd


class ChatModel:
    """One model for all sessions; one answer at a time, in the order they were asked for."""

    def __init__(self, file: Path, settings: ChatSettings | None = None) -> None:
        self.file = file
        self.settings = settings or ChatSettings()
        self._lock = threading.Lock()
        self._server: Any = None

    def load(self) -> None:
        """Map the weights and open the context; otherwise the first answer does."""
        with self._lock:
            self._loaded()

    def stream(
        self,
        messages: Sequence[ChatMessage],
        cancellation: Cancellation,
        *,
        most_tokens: int,
        tools: Sequence[Mapping[str, Any]] = (),
        tool_choice: str = "auto",
    ) -> Generator[ChatPiece, None, None]:
        """Yield the answer as it is made; the last piece is a `ChatEnd` unless cancelled.

        Raises `AbilityFailedError` when the file cannot be used or the model fails.
        """
        request: dict[str, Any] = {
            "messages": list(messages),
            "stream": True,
            "max_tokens": most_tokens,
            "temperature": self.settings.temperature,
            "top_p": self.settings.top_p,
            "repeat_penalty": self.settings.repeat_penalty,
            "cache_prompt": True,
            "return_progress": True,
        }
        if tools:
            request |= {"tools": list(tools), "tool_choice": tool_choice}
            # The names in a call stand in the prompt already: a penalty forbids to repeat them.
            request["repeat_penalty"] = 1.0
        while not self._lock.acquire(timeout=0.02):
            if cancellation.is_cancelled:
                return
        try:
            yield from _Answer(self._loaded(), request, cancellation).pieces()
        finally:
            self._lock.release()

    def count_tokens(self, text: str) -> int:
        """Estimate the tokens of a text: words and marks, long words as several.

        llama.cpp's own count would need the loaded model and a queue; over English the
        estimate is within a tenth of it.
        """
        if len(text) > _COUNTED_CHARACTERS:
            return len(text) // 4 + 1
        return sum(1 + len(piece) // 8 for piece in _TOKEN.findall(text) if not piece.isspace())

    def _loaded(self) -> Any:
        if self._server is None:
            self._server = _open(self.file, self.settings)
        return self._server


@dataclass(slots=True)
class _Answer:
    """Turns llama.cpp's callback into an iterator: the model runs on a thread of its own.

    The thread belongs to the iterator, which joins it however the iteration ends.
    """

    server: Any
    request: dict[str, Any]
    cancellation: Cancellation
    chunks: queue.SimpleQueue[dict[str, Any] | Exception | None] = field(
        default_factory=queue.SimpleQueue
    )
    calls: dict[int, dict[str, str]] = field(default_factory=dict)
    is_closed: bool = False

    def pieces(self) -> Iterator[ChatPiece]:
        thread = threading.Thread(target=self._run, name="chat-model")
        thread.start()
        try:
            while (chunk := self.chunks.get()) is not _END:
                if isinstance(chunk, Exception):
                    raise AbilityFailedError("server_error", f"the chat model failed: {chunk}")
                yield from self._read(chunk)
                if self.cancellation.is_cancelled:
                    return
        finally:
            self.is_closed = True
            thread.join()

    def _run(self) -> None:
        try:
            # Truth stops the model.
            self.server.handle_chat_completions(self.request, self._take)
        except Exception as failure:
            # The boundary of the thread: the failure goes to whoever waits for the answer.
            _log.exception("the chat model failed")
            self.chunks.put(failure)
        finally:
            self.chunks.put(_END)

    def _take(self, chunk: dict[str, Any] | str) -> bool:
        if self.is_closed or self.cancellation.is_cancelled:
            return True
        self.chunks.put(json.loads(chunk) if isinstance(chunk, str) else chunk)
        return False

    def _read(self, chunk: dict[str, Any]) -> Iterator[ChatPiece]:
        if "error" in chunk:
            raise AbilityFailedError("server_error", f"the chat model failed: {chunk['error']}")
        for choice in chunk.get("choices", ()):
            delta = choice.get("delta") or {}
            if delta.get("content"):
                yield ChatText(delta["content"])
            for call in delta.get("tool_calls") or ():
                self._collect(call)
            if choice.get("finish_reason"):
                for call in self.calls.values():
                    yield ChatCall(call["name"], call["arguments"] or "{}")
                yield ChatEnd(choice["finish_reason"])

    def _collect(self, call: dict[str, Any]) -> None:
        known = self.calls.setdefault(call.get("index", 0), {"name": "", "arguments": ""})
        function = call.get("function") or {}
        known["name"] += function.get("name") or ""
        known["arguments"] += function.get("arguments") or ""


def _open(file: Path, settings: ChatSettings) -> Any:
    if not file.is_file():
        raise AbilityFailedError("model_unavailable", f"there is no chat model at {file}")
    try:
        import xllamacpp
    except ImportError as failure:
        raise AbilityFailedError("model_unavailable", f"no chat model: {failure}") from None
    with tempfile.TemporaryDirectory(prefix="bittern-chat-") as private:
        parameters = _parameters(xllamacpp.CommonParams(), file, settings)
        parameters.hostnames = [str(Path(private) / "chat.sock")]
        parameters.api_keys = [secrets.token_urlsafe(32)]
        try:
            server = xllamacpp.Server(parameters)
        except (RuntimeError, ValueError) as failure:
            raise AbilityFailedError(
                "model_unavailable", f"{file} cannot be used as a chat model: {failure}"
            ) from None
        with suppress(FileNotFoundError):
            (Path(private) / "chat.sock").unlink()
    return server


def _parameters(parameters: Any, file: Path, settings: ChatSettings) -> Any:
    parameters.model.path = str(file)
    parameters.n_ctx = settings.context_tokens
    parameters.n_gpu_layers = 0
    for cpu in (parameters.cpuparams, parameters.cpuparams_batch):
        cpu.n_threads = settings.threads
    parameters.n_batch = parameters.n_ubatch = _PREFILL_TOKENS
    parameters.n_threads_http = 1
    parameters.cache_ram_mib = 0
    parameters.n_ctx_checkpoints = 0
    parameters.warmup = False
    parameters.ui = False
    parameters.endpoint_slots = False
    parameters.offline = True
    parameters.verbosity = -1
    if settings.chat_template:
        parameters.chat_template = settings.chat_template
    return parameters
