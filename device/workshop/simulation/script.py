"""What a simulated cloud answers, when, and what goes wrong: read from TOML or JSON.

A script is data. Its first answer goes to the first response, its second to the second
(also the one after a tool's output), and the last one to all that follow::

    [server]
    first_delta_ms = 300        # from the end of the turn to the first sound

    [[answers]]
    heard = "turn on the light" # what the user is said to have said
    [[answers.items]]
    call = "set_light"
    arguments = { on = true }

    [[answers]]
    [[answers.items]]
    say = "The light is on."
    audio = "light.wav"         # else a tone as long as the words would take

    [[faults]]
    kind = "reset"              # a TCP reset ...
    at = "question"
    after_ms = 800              # ... after 800 ms of the question
    connection = 1              # of the first connection only
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct, field

from device.errors import BitternError

Milliseconds: TypeAlias = Annotated[int, Meta(ge=0)]
Seconds: TypeAlias = Annotated[float, Meta(ge=0)]

Point: TypeAlias = Literal[
    "listen", "accept", "upgrade", "created", "updated", "question", "answer", "idle"
]
"""Where a fault strikes, in the order in which a connection lives.

``listen``: instead of accepting. ``accept``: after TCP, before TLS and HTTP. ``upgrade``:
instead of the answer to the HTTP request. ``created``: instead of session.created.
``updated``: instead of session.updated. ``question``: after ``after_ms`` of appended
audio. ``answer``: after ``after_ms`` of the answer's audio was sent (0: instead of
response.created). ``idle``: ``after_s`` after the session began.
"""

Kind: TypeAlias = Literal[
    "stall",
    "black_hole",
    "delay",
    "drop",
    "reset",
    "close",
    "status",
    "error",
    "expire",
    "fail",
    "half_frame",
    "cut_event",
    "garbage",
    "binary",
    "huge",
    "unknown",
    "mistyped",
    "reorder",
    "twice",
    "same_ids",
]
"""What goes wrong.

``stall``: nothing more is said, the connection stays up and answers pings.
``black_hole``: as if the cable were cut. ``delay``: ``seconds`` late. ``drop``: the TCP
connection ends without a goodbye. ``reset``: TCP RST. ``close``: a WebSocket close with
``code`` and ``reason``. ``status``: HTTP ``status`` with an error body. ``error``: an
error event with ``error_code``. ``expire``: session_expired, then close 1001. ``fail``:
the response fails with ``error_code`` (and no error event, as an empty account does).
``half_frame``: half a frame, then the end. ``cut_event``: an event whose JSON ends in the
middle. ``garbage``: text that is not JSON. ``binary``: a binary frame. ``huge``: a frame of
``bytes``. ``unknown``: events nobody has heard of. ``mistyped``: known events with values of
other types than they should have. ``reorder``: the answer's events shuffled by ``seed``.
``twice``: every event of the answer two times. ``same_ids``: the
answer's items have the ids of the answer before.
"""


class Server(Struct, frozen=True, forbid_unknown_fields=True):
    """How the server is when nothing goes wrong."""

    dialect: Literal["ga", "beta"] = "ga"
    strict: bool = True
    """Refuse unknown fields and values out of range, as OpenAI does."""
    key: str | None = None
    """Answer 401 to everybody who does not show it."""
    key_header: Literal["any", "authorization", "api-key"] = "any"
    """Where the key must be shown; ``any``: also in a subprotocol's name, as browsers do."""
    paths: list[str] = []
    """Where the protocol is; every other path is a page that is not there. Empty: anywhere."""
    needs_query: list[str] = []
    """Names without which the query leads to no page either, such as ``api-version``."""
    needs_beta_header: bool = False
    """Refuse everybody who does not send ``OpenAI-Beta``, as some resellers do."""
    beta_header_status: int = 400
    """With what status."""
    greets_late: bool = False
    """Say session.created only after the client's first event."""
    refuse_nulls: list[str] = []
    """Session fields that must not be null: refused in one error that names nothing."""
    advises_against: list[str] = []
    """Session fields to answer with an error without code, and session.updated after it."""
    refuse_fields: list[str] = []
    """Session fields to answer with unknown_parameter, as ``session.reasoning``."""
    ignore_fields: list[str] = []
    """Session fields to ignore without a word, as ``audio``."""
    first_delta_ms: Milliseconds = 150
    """From the end of the turn to response.created."""
    jitter_ms: Milliseconds = 0
    """Up to so much more, each time, by the script's ``seed``."""
    chunk_ms: Annotated[int, Meta(ge=1)] = 200
    """Audio in one delta."""
    pace: Annotated[float, Meta(ge=0)] = 0.0
    """Audio is sent so many times faster than it plays; 0 is all at once."""
    session_s: Annotated[float, Meta(gt=0)] = 3600.0
    """A session's life; at its end: session_expired and close 1001."""
    clock_skew_s: float = 0.0
    """How far the server's clock is ahead of ours (``expires_at`` and ``Date``)."""
    voice: Literal["tone", "speech"] = "tone"
    """How ``say`` sounds without an ``audio`` file; speech needs the package hibari-tts."""
    loudness_dbfs: float = -45.0
    """What server VAD takes for speech."""
    seed: int = 0


class AnswerItem(Struct, frozen=True, forbid_unknown_fields=True):
    """One output item: words (``say``), a tool call, or an MCP approval request."""

    say: str | None = None
    audio: str | None = None
    """A WAV file, from the script's folder."""
    tone_hz: float | None = None
    audio_ms: Milliseconds | None = None
    """How long the tone is; by the words when absent."""
    phase: str | None = None
    call: str | None = None
    arguments: dict[str, Any] | str = {}
    """A table, or text to send as it is (to break it)."""
    mcp_server: str | None = None
    """With ``call``: ask for approval instead; after a yes the call answers ``output``."""
    output: str = ""


class ScriptedAnswer(Struct, frozen=True, forbid_unknown_fields=True):
    """One response."""

    items: list[AnswerItem] = []
    heard: str = ""
    """The transcript of the turn that it answers."""
    first_delta_ms: Milliseconds | None = None
    """Instead of the server's, for this one."""
    status: Literal["completed", "incomplete", "failed"] = "completed"
    reason: str | None = None
    """Of an incomplete one: ``max_output_tokens`` or ``content_filter``."""
    error_code: str | None = None
    """Of a failed one."""
    in_writing: bool = False
    """Text only, whatever the session wants: models of speech do that now and then."""


class McpServer(Struct, frozen=True, forbid_unknown_fields=True):
    """What an MCP server offers when a session names it."""

    label: str
    tools: list[str] = []
    is_reachable: bool = True


class Fault(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that goes wrong, once in a connection."""

    kind: Kind
    at: Point
    after_ms: Milliseconds = 0
    after_s: Seconds = 0.0
    connection: Annotated[int, Meta(ge=1)] | None = None
    """Only in the n-th connection; in all when absent."""
    seconds: Seconds = 1.0
    status: int = 500
    retry_after: str | None = None
    code: int = 1011
    reason: str = ""
    error_type: str = "invalid_request_error"
    error_code: str | None = None
    message: str = "The simulated cloud was told to fail."
    bytes: Annotated[int, Meta(ge=1)] = 10_000_000
    count: Annotated[int, Meta(ge=1)] = 1
    seed: int = 1


class Script(Struct, frozen=True, forbid_unknown_fields=True):
    """All of it."""

    server: Server = Server()
    answers: list[ScriptedAnswer] = field(
        default_factory=lambda: [ScriptedAnswer([AnswerItem(say="This is the simulated cloud.")])]
    )
    mcp: list[McpServer] = []
    faults: list[Fault] = []
    folder: Path = Path()
    """Where ``audio`` files are; the script's own folder when it was read from a file."""


class BadScriptError(BitternError):
    """A script that cannot be played."""


_BEFORE_THE_SOCKET = frozenset({"stall", "delay", "drop", "reset"})
_AT_UPGRADE = _BEFORE_THE_SOCKET | {"status"}
_OF_AN_ANSWER = frozenset({"fail", "reorder", "twice", "same_ids"})


def read_script(path: Path) -> Script:
    """Read a script; raise :class:`BadScriptError` that names the place and what was expected."""
    try:
        text = path.read_text(encoding="utf-8")
        raw = msgspec.json.decode(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise BadScriptError(f"cannot read {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadScriptError(f"{path}: {error}") from None
    return script_from({"folder": str(path.parent), **raw}, str(path))


def script_from(raw: dict[str, Any], name: str = "script") -> Script:
    """Turn plain data into a script; raise :class:`BadScriptError`."""
    try:
        script = msgspec.convert(raw, Script, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise BadScriptError(f"{name}: {error}") from None
    for fault in script.faults:
        _check(fault, name)
    for answer in script.answers:
        for item in answer.items:
            if (item.say is None) == (item.call is None):
                raise BadScriptError(f"{name}: an item of an answer has either `say` or `call`")
    return script


def _path(kind: type, value: Any) -> Any:
    return kind(value)


def _check(fault: Fault, name: str) -> None:
    allowed = {
        "listen": frozenset({"stall"}),
        "accept": _BEFORE_THE_SOCKET,
        "upgrade": _AT_UPGRADE,
    }.get(fault.at)
    if allowed is not None and fault.kind not in allowed:
        expected = ", ".join(sorted(allowed))
        raise BadScriptError(f"{name}: {fault.kind} at {fault.at} is not possible ({expected} is)")
    if fault.at not in ("upgrade",) and fault.kind == "status":
        raise BadScriptError(f"{name}: status is possible at upgrade only")
    if fault.kind in _OF_AN_ANSWER and fault.at != "answer":
        raise BadScriptError(f"{name}: {fault.kind} is possible at answer only")
