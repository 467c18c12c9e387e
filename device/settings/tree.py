"""The tree of settings: every key with its type, default, unit, range and meaning.

The names and values here and in ``firmware_config/bittern.toml`` are the same; a test
holds them together. Figures about the Realtime protocol are of its GA dialect.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from device.panel.actions import Action
from device.schema.keys import key
from device.spending.prices import Price

NAME = r"[a-z0-9][a-z0-9_-]{0,31}"
CLOCK_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
LANGUAGE = r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*"
WHOLE_PATH = r"~?/[^\x00\n]*"
"""A service has no folder of its own that a path could begin in."""
ENVIRONMENT_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
SOUND_CARD_RATES_HZ = (
    8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 176400, 192000,
)  # fmt: skip
ACTIONS = tuple(action.value for action in Action)
AS_BOARD: dict[str, Any] = {"special": {"": "as the board says"}}
INSTRUCTIONS = (
    "You are the voice of a small speaker in somebody's home. Answer in one or two short "
    "spoken sentences, without lists, links or markdown. If you did not understand, ask."
)


@dataclass(frozen=True)
class Assistant:
    """How a conversation goes."""

    name: str = key(
        "Bittern",
        "What the assistant calls itself.",
        form=r"\S(?:.{0,38}\S)?",
        form_help="a name of 1 to 40 characters",
    )
    language: str = key(
        "en",
        "Language spoken, as in ISO 639-1; the local brain knows English.",
        form=LANGUAGE,
        form_help='a language code such as "en" or "de"',
    )
    country: str = key(
        "",
        "Where you live, for the numbers to call in an emergency, as in ISO 3166.",
        special={"": "112 or 911 is said"},
        form=r"(?:[A-Z]{2})?",
        form_help='two capital letters such as "DE" or "US"',
    )
    instructions: str = key(
        INSTRUCTIONS,
        "What the model is told before every conversation.",
        form=r"(?s).{0,16000}",
        form_help="a text of at most 16000 characters",
    )
    voice: str = key(
        "marin",
        "Voice of the cloud endpoints; each endpoint may name another.",
        form=r"[A-Za-z0-9_.-]{0,64}",
        form_help='the name of a voice such as "marin" or "cedar"',
    )
    follow_up_s: float = key(
        8.0,
        "After an answer that asks something, how long one needs no wake word; 0: never.",
        unit="s",
        low=0,
        high=60,
    )
    follow_up_statement_s: float = key(
        5.0, "The same after an answer that only tells.", unit="s", low=0, high=60
    )
    follow_up_done_s: float = key(
        0.0, "The same after one that only says that something was done.", unit="s", low=0, high=60
    )
    follow_ups: int = key(4, "Questions in a row without the wake word, at most.", low=0, high=100)
    follow_up_limit_s: float = key(
        8.0, "Most sound of such a question that is sent.", unit="s", low=2, high=60
    )
    barge_in: Literal["wake_word", "voice", "off"] = key(
        "wake_word", "What interrupts an answer: the wake word, any voice, or only the button."
    )
    no_speech_timeout_s: float = key(
        6.0, "After the wake word, how long to wait for a question.", unit="s", low=1, high=60
    )
    turn_limit_s: float = key(
        30.0,
        "Most sound of a question that is sent; then it is answered as it is.",
        unit="s",
        low=5,
        high=300,
    )
    answer_limit_s: float = key(
        600.0, "Longest answer; then it is ended.", unit="s", low=10, high=3600
    )
    link_idle_s: float = key(
        20.0,
        "After a conversation, how long the link to the endpoint stays open.",
        unit="s",
        low=0,
        high=3600,
    )
    memory_s: float = key(
        300.0,
        "How much of the conversation a new link is told; 0 forgets at once.",
        unit="s",
        low=0,
        high=86400,
    )
    say_notices: bool = key(True, "Say, once, what went wrong and who answers instead.")
    chime: bool = key(True, "Play a short sound when the wake word was heard.")


@dataclass(frozen=True)
class Microphone:
    """Where the sound comes from."""

    device: str = key(
        "default",
        'Name of the device or a part of it, as "bittern devices" lists them.',
        form=r"\S(?:.{0,198}\S)?",
        form_help="the name of a device",
    )
    rate_hz: int = key(
        0,
        "Rate at which the device is opened.",
        unit="Hz",
        special={0: "the device's own"},
        choices=SOUND_CARD_RATES_HZ,
    )
    block_ms: int = key(60, "Sound that is delivered at once.", unit="ms", low=5, high=100)
    channel: int | Literal["mix"] = key(
        0, 'Channel to listen to, counted from 0; "mix" adds them all.', low=0, high=31
    )
    gain_db: float = key(0.0, "Amplification after capture.", unit="dB", low=-40, high=40)
    ring_s: float = key(
        60.0,
        "Sound kept in memory, to replay a question to the next endpoint.",
        unit="s",
        low=5,
        high=600,
    )


@dataclass(frozen=True)
class Speaker:
    """Where the sound goes."""

    device: str = key(
        "default",
        'Name of the device or a part of it, as "bittern devices" lists them.',
        form=r"\S(?:.{0,198}\S)?",
        form_help="the name of a device",
    )
    rate_hz: int = key(
        0,
        "Rate at which the device is opened.",
        unit="Hz",
        special={0: "the device's own"},
        choices=SOUND_CARD_RATES_HZ,
    )
    block_ms: int = key(20, "Sound that is asked for at once.", unit="ms", low=5, high=100)
    rest_s: int = key(
        30,
        "After the last sound, how long the speaker stays open; opening takes no time to hear.",
        unit="s",
        special={0: "it is never closed, for cards that crack or die of it"},
        low=2,
        high=3600,
    )
    volume_percent: int = key(
        70,
        "Volume at the first start; later what was chosen last, by voice, button or here.",
        unit="%",
        low=0,
        high=100,
    )
    spoken_volume_limit_percent: int = key(
        90,
        "Loudest that whoever answers may make it; buttons may go on.",
        unit="%",
        low=1,
        high=100,
    )
    quiet_from: str = key(
        "",
        "From this time of day nothing is announced; alarms ring, and questions are answered.",
        special={"": "never"},
        form=CLOCK_TIME,
        form_help='a time of day such as "22:00"',
    )
    quiet_to: str = key(
        "",
        "Until this time of day nothing is announced.",
        special={"": "never"},
        form=CLOCK_TIME,
        form_help='a time of day such as "06:30"',
    )
    quiet_volume_percent: int = key(
        45,
        "In these hours nothing but what rings is louder.",
        unit="%",
        low=1,
        high=100,
    )
    cushion_ms: int = key(
        100,
        "Answer that is collected before it begins to play, against gaps.",
        unit="ms",
        low=0,
        high=2000,
    )


@dataclass(frozen=True)
class Echo:
    """The appliance's own voice in its microphone."""

    mode: Literal["auto", "half_duplex", "off"] = key(
        "auto",
        "Take it out; or hear no voice while it speaks; or off, where the microphone does it.",
    )


@dataclass(frozen=True)
class Wake:
    """The wake word."""

    words: tuple[str, ...] = key(
        ("hey jarvis",),
        'Words to wake on, as "bittern wake list" names them.',
        low=1,
        high=8,
        form=r"\S(?:.{0,62}\S)?",
        form_help="wake words in quotes",
    )
    engine: Literal["microwakeword", "openwakeword"] = key(
        "microwakeword", "Family of the wake models."
    )
    sensitivity: Literal["low", "normal", "high"] = key(
        "normal", "High misses less and wakes more often by mistake."
    )
    threshold: float = key(
        0.0,
        "Score from which a word counts, instead of the sensitivity.",
        special={0: "from the sensitivity"},
        low=0.01,
        high=0.999,
    )
    refractory_s: float = key(
        1.0, "After a wake word, how long no other counts.", unit="s", low=0, high=10
    )
    keep_recordings: int = key(
        0,
        'Sound of so many triggers and near misses is kept, on this device only: "bittern '
        'wake review".',
        special={0: "none is ever kept"},
        low=1,
        high=2000,
    )
    keep_recordings_mb: int = key(
        20, "Space for them; the oldest make way.", unit="MB", low=1, high=1000
    )


@dataclass(frozen=True)
class Profile:
    """Other words to wake on, and who answers to them; as many as you like, none needed."""

    name: str = key(
        help="How logs call it.",
        form=NAME,
        form_help="a short name: small letters, digits, - and _",
    )
    words: tuple[str, ...] = key(
        help="Words to wake on, beside those of [wake]; or some of those, to be answered here.",
        low=1,
        high=8,
        form=r"\S(?:.{0,62}\S)?",
        form_help="wake words in quotes",
    )
    sensitivity: Literal["", "low", "normal", "high"] = key(
        "", "For these words; empty is that of [wake]."
    )
    threshold: float = key(
        0.0,
        "Score from which these words count, instead of the sensitivity.",
        special={0: "from the sensitivity"},
        low=0.01,
        high=0.999,
    )
    endpoints: tuple[str, ...] = key(
        (),
        "Endpoints to ask, by name and in this order; an empty list is all, in theirs.",
        form=NAME,
        form_help="names of endpoints in quotes",
    )
    voice: str = key(
        "",
        "Voice of the answers; empty is that of the endpoint.",
        form=r"[A-Za-z0-9_.-]{0,64}",
        form_help="the name of a voice",
    )
    instructions: str = key(
        "",
        "What the model is told, instead of the instructions of [assistant].",
        form=r"(?s).{0,16000}",
        form_help="a text of at most 16000 characters",
    )


@dataclass(frozen=True)
class Vad:
    """What counts as speech (voice activity detection, Silero)."""

    gate: bool = key(True, "Spare the wake model in silence; saves processor time.")
    start_threshold: float = key(
        0.5, "Probability of speech from which it has begun.", low=0.05, high=0.95
    )
    end_threshold: float = key(
        0.35, "Probability of speech below which it may be over.", low=0.01, high=0.95
    )
    end_silence_ms: int = key(
        600, "Silence that ends a question (local endpointing).", unit="ms", low=100, high=5000
    )
    sentence_end: bool = key(
        True, "Judge by the sound whether a sentence is finished (local endpointing)."
    )
    finished_silence_ms: int = key(
        350, "Silence that ends a sentence judged finished.", unit="ms", low=200, high=5000
    )
    unfinished_silence_ms: int = key(
        1600, "Silence that ends a sentence judged unfinished.", unit="ms", low=200, high=5000
    )
    min_speech_ms: int = key(
        100, "Speech shorter than this is a noise.", unit="ms", low=30, high=2000
    )


@dataclass(frozen=True)
class Endpoint:
    """A server that speaks the Realtime protocol; tried in the order written."""

    name: str = key(
        help="How logs and commands call it.",
        form=NAME,
        form_help="a short name: small letters, digits, - and _",
    )
    url: str = key(
        help='Where it is: wss://, ws://, unix:PATH, or "brain" for the appliance\'s own.',
        form=r"wss?://[^\s/@?#]+[^\s#@]*|unix:/?[^\s].*|brain",
        form_help='wss://HOST/PATH, ws://HOST/PATH, unix:PATH or "brain", without user or password',
    )
    model: str = key(
        "",
        "Model to ask for; empty sends none.",
        form=r"\S{0,200}",
        form_help="the name of a model",
    )
    dialect: Literal["auto", "ga", "beta"] = key("auto", "Dialect of the protocol; auto finds out.")
    turn_detection: Literal["server_vad", "semantic_vad", "local"] = key(
        "server_vad", "Who decides that a question is over; local is this device."
    )
    vad_threshold: float = key(0.5, "server_vad: how sure it must be of speech.", low=0, high=1)
    silence_ms: int = key(
        500, "server_vad: silence that ends a question.", unit="ms", low=100, high=10000
    )
    prefix_ms: int = key(
        300, "server_vad: sound kept from before the speech.", unit="ms", low=0, high=5000
    )
    eagerness: Literal["auto", "low", "medium", "high"] = key(
        "auto", "semantic_vad: how soon to answer; low waits 8 s, high 2 s."
    )
    key_env: str = key(
        "",
        "Environment variable, or systemd credential, that holds the key.",
        special={"": "none"},
        form=ENVIRONMENT_NAME,
        form_help='the name of an environment variable such as "OPENAI_API_KEY"',
    )
    key_file: str = key(
        "",
        "File that holds the key; a name without / is a systemd credential.",
        form=rf"[^/\x00\n]*|{WHOLE_PATH}",
        form_help="a whole path (from / or ~/) or the name of a credential",
    )
    key_required: bool = key(
        True, "Where a key is named and not found: leave the endpoint out, or try without."
    )
    auth: Literal["bearer", "api-key"] = key("bearer", "How the key is sent; Azure takes api-key.")
    ca_file: str = key(
        "",
        "Certificates (PEM) to trust besides the system's, for a server of your own.",
        special={"": "none"},
        form=WHOLE_PATH,
        form_help="the whole path of a file, from / or ~/",
    )
    transcription_model: str = key(
        "",
        "Model that writes down what was heard, for logs; empty asks for none.",
        form=r"\S{0,200}",
    )
    sees: bool = key(
        True,
        "Its model understands pictures; the appliance's own brain never does.",
    )
    noise_reduction: Literal["far_field", "near_field", "off"] = key(
        "far_field", "Noise reduction at the endpoint; far_field is for a room."
    )
    voice: str = key(
        "",
        "Voice of this endpoint; empty is that of [assistant].",
        form=r"[A-Za-z0-9_.-]{0,64}",
        form_help="the name of a voice",
    )
    reasoning_effort: Literal["", "minimal", "low", "medium", "high", "xhigh"] = key(
        "", "How long a reasoning model thinks; empty leaves it to the model."
    )
    max_output_tokens: int = key(
        0, "Longest answer.", unit="tokens", special={0: "no limit"}, low=1, high=4096
    )
    connect_timeout_s: float = key(4.0, "Limit for reaching the host.", unit="s", low=0.1, high=60)
    handshake_timeout_s: float = key(
        4.0, "Limit until the session is ready.", unit="s", low=0.1, high=60
    )
    answer_timeout_s: float = key(
        8.0, "Limit from the end of the question to the answer.", unit="s", low=0.5, high=120
    )
    ping_interval_s: float = key(
        5.0, "How often a silent link is probed.", unit="s", special={0: "never"}, low=0.5, high=300
    )
    ping_timeout_s: float = key(
        5.0, "How long a probe may take; then the link is dead.", unit="s", low=0.1, high=300
    )
    retry_after_s: float = key(
        60.0,
        "After a failure, how long the next endpoint comes first.",
        unit="s",
        low=0,
        high=86400,
    )
    enabled: bool = key(True, "Use this endpoint at all.")


TOOL_NAMES = r"[A-Za-z0-9_.*/-]{1,128}"
DENY_RULE = (
    r"[A-Za-z0-9_*?-]{1,64}(?: [A-Za-z0-9_]+ ?= ?[^=,\x00]+(?:, ?[A-Za-z0-9_]+ ?= ?[^=,\x00]+)*)?"
)
ADDRESS = r"any|home|[0-9A-Fa-f:.]+(?:/[0-9]{1,3})?"
ADDRESSES_HELP = '"any", "home" (the network of the house), or addresses such as "192.168.1.5"'


@dataclass(frozen=True)
class Mcp:
    """A server of other people's tools (Model Context Protocol); any number, none needed."""

    name: str = key(
        help="Stands before the names of its tools.",
        form=NAME,
        form_help="a short name: small letters, digits, - and _",
    )
    command: tuple[str, ...] = key(
        (),
        "Program to start, with its arguments, for a server that speaks by standard input.",
        form=r"[^\x00]{1,1000}",
        form_help="the program and each of its arguments, in quotes",
    )
    url: str = key(
        "",
        "Where it is, for one that speaks by HTTP; a server has a command or a url.",
        form=r"(?:https?://[^\s/@?#]+[^\s#@]*)?",
        form_help="http://HOST/PATH or https://HOST/PATH, without user or password",
    )
    key_env: str = key(
        "",
        "Its key: a credential of this name; a program gets it as a variable of this name.",
        special={"": "none"},
        form=ENVIRONMENT_NAME,
        form_help='the name of an environment variable such as "GITHUB_TOKEN"',
    )
    key_file: str = key(
        "",
        "File that holds its key; a name without / is a systemd credential.",
        form=rf"[^/\x00\n]*|{WHOLE_PATH}",
        form_help="a whole path (from / or ~/) or the name of a credential",
    )
    addresses: tuple[str, ...] = key(
        (),
        'Whom it may reach in a network; none is nobody. "bittern mcp allow" puts it in force.',
        form=ADDRESS,
        form_help=ADDRESSES_HELP,
    )
    allow: tuple[str, ...] = key(
        (),
        "Its tools that are offered, by its own names, * for any letters; none named: all.",
        form=TOOL_NAMES,
        form_help="names of tools in quotes",
    )
    deny: tuple[str, ...] = key(
        (),
        "Its tools that are never offered.",
        form=TOOL_NAMES,
        form_help="names of tools in quotes",
    )
    timeout_s: float = key(10.0, "How long a call may take.", unit="s", low=1, high=120)
    enabled: bool = key(True, "Use this server at all.")


@dataclass(frozen=True)
class OwnTools:
    """Your own tools: files in a folder, see `bittern tools new`."""

    folder: str = key(
        "",
        "Where they are; empty is ~/.config/bittern/tools.d, or /etc/bittern/tools.d of a service.",
        form=rf"(?:{WHOLE_PATH})?",
        form_help="the whole path of a folder, from / or ~/",
    )
    addresses: tuple[str, ...] = key(
        (),
        'Whom they may reach in a network; none is nobody. "bittern mcp allow" puts it in force.',
        form=ADDRESS,
        form_help=ADDRESSES_HELP,
    )
    timeout_s: float = key(10.0, "How long a call may take.", unit="s", low=1, high=120)
    enabled: bool = key(True, "Offer them at all.")


@dataclass(frozen=True)
class ModelsTools:
    """What no model may do, neither the cloud's nor the brain's, whoever has the tool."""

    deny: tuple[str, ...] = key(
        (),
        "Tools, by the names a model sees, * for any letters, or only some calls of one.",
        form=DENY_RULE,
        form_help='like "clear_list", "home_*", or "add_to_list list_name=work"',
    )


@dataclass(frozen=True)
class Mqtt:
    """The appliance as a device of Home Assistant, by way of an MQTT broker."""

    host: str = key(
        "",
        "Name or address of the broker; empty is none, and nothing of it is loaded.",
        special={"": "none"},
        form=r"[^\s/@:]{0,253}|[0-9A-Fa-f:]{2,45}",
        form_help="a host name or an address, without port, user or password",
    )
    port: int = key(0, "Its port.", special={0: "1883, or 8883 with tls"}, low=1, high=65535)
    tls: bool = key(False, "Encrypt the connection, and check the broker's certificate.")
    ca_file: str = key(
        "",
        "Certificates (PEM) to trust besides the system's, for a broker of your own.",
        special={"": "none"},
        form=WHOLE_PATH,
        form_help="the whole path of a file, from / or ~/",
    )
    user: str = key(
        "",
        "Name that the broker knows this device by; empty sends none.",
        form=r"[^\x00-\x1f]{0,200}",
        form_help="the name of a user",
    )
    key_env: str = key(
        "",
        "Environment variable, or systemd credential, that holds the password.",
        special={"": "none"},
        form=ENVIRONMENT_NAME,
        form_help='the name of an environment variable such as "MQTT_KEY"',
    )
    key_file: str = key(
        "",
        "File that holds the password; a name without / is a systemd credential.",
        form=rf"[^/\x00\n]*|{WHOLE_PATH}",
        form_help="a whole path (from / or ~/) or the name of a credential",
    )
    name: str = key(
        "",
        "What this device is called in topics, unlike any other at the broker.",
        special={"": "made of the machine's id"},
        form=NAME,
        form_help="a short name: small letters, digits, - and _",
    )
    area: str = key(
        "",
        "Room that Home Assistant proposes for the device.",
        form=r"[^\x00-\x1f]{0,60}",
        form_help='the name of a room such as "Kitchen"',
    )
    prefix: str = key(
        "homeassistant",
        "Where Home Assistant looks for devices (its discovery prefix).",
        form=r"[A-Za-z0-9_-]{1,64}(?:/[A-Za-z0-9_-]{1,64}){0,4}",
        form_help='a topic such as "homeassistant"',
    )
    remote_unmute: bool = key(
        False, "Let the microphone be opened from there; not after a switch or button closed it."
    )
    remote_ask: bool = key(False, "Let questions be typed there, which are answered aloud here.")
    transcripts: bool = key(False, "Tell there what was asked and answered, and names of timers.")


@dataclass(frozen=True)
class Camera:
    """Eyes, for one picture at a time and only when somebody asks; none until you name one."""

    source: str = key(
        "",
        'rpicam for a Raspberry Pi\'s own, or the device of a USB camera such as "/dev/video0".',
        special={"": "no camera"},
        form=r"(?:rpicam|/dev/[A-Za-z0-9/._-]+)?",
        form_help='"rpicam", or a device such as "/dev/video0"',
    )
    command: tuple[str, ...] = key(
        (),
        "A program, and its arguments, that writes one JPEG to its output, in place of ours.",
    )
    most_pictures: int = key(6, 'Of one "watch this": how many at most.', low=1, high=60)
    every_s: float = key(2.0, 'Of one "watch this": how far apart.', unit="s", low=1, high=60)

    @property
    def is_wanted(self) -> bool:
        """Whether the owner has named one."""
        return bool(self.source or self.command)


@dataclass(frozen=True)
class Brain:
    """The local endpoint, for when the cloud is gone or not wanted."""

    autostart: bool = key(True, "Start the brain when its socket is not there.")
    chat_model: str = key(
        "",
        "GGUF file of a language model of yours, for small talk and questions; empty is none.",
        form=rf"(?:{WHOLE_PATH})?",
        form_help="the whole path of a GGUF file, from / or ~/",
    )
    tool_model: Literal["none", "needle"] = key(
        "none",
        "Model for free phrasing, after the rules; needle must be fetched, its engine is closed.",
    )
    help_tool: str = key(
        "",
        "Tool that the brain offers to call in an emergency; empty: it offers to make a noise.",
        form=r"[A-Za-z0-9_-]{0,64}",
        form_help='the name of a tool, as "bittern tools list" shows it',
    )
    idle_exit_s: float = key(
        300.0,
        "Without a link for this long, the brain ends and frees its memory.",
        unit="s",
        special={0: "never"},
        low=10,
        high=86400,
    )


@dataclass(frozen=True)
class Budget:
    """What the endpoints may cost; `bittern spending` shows what they have cost."""

    month_usd: float = key(
        10.0,
        "Most that a month may cost, as far as prices are known.",
        unit="USD",
        special={0: "no limit"},
        low=0.01,
        high=100_000,
    )
    warn_percent: int = key(
        80,
        "From here on it is said once, and the log, the status and the doctor warn.",
        unit="%",
        low=1,
        high=100,
    )
    at_limit: Literal["brain", "warn"] = key(
        "brain",
        "When it is used up: ask only who costs nothing, such as the local brain; or only say so.",
    )


@dataclass(frozen=True)
class Panel:
    """Lights and buttons."""

    board: str = key(
        "none",
        'Board, as "bittern board list" shows them, or the path of a board file.',
        form=rf"[^/\x00\n]+(?<!\.toml)|{WHOLE_PATH}",
        form_help='the name of a board such as "rgb-two-buttons", or a whole path from / or ~/',
    )
    brightness_percent: int = key(60, "Brightness of the lights.", unit="%", low=0, high=100)
    night_from: str = key(
        "",
        "From this time of day the lights are dim.",
        special={"": "never"},
        form=CLOCK_TIME,
        form_help='a time of day such as "22:00"',
    )
    night_to: str = key(
        "",
        "Until this time of day the lights are dim.",
        special={"": "never"},
        form=CLOCK_TIME,
        form_help='a time of day such as "06:30"',
    )
    night_percent: int = key(15, "Brightness of the lights at night.", unit="%", low=0, high=100)
    terminal: bool = key(False, "Show the lights as one line on the terminal too.")
    press: str = key("", "Short press of the first button.", choices=ACTIONS, **AS_BOARD)
    double: str = key("", "Double press of the first button.", choices=ACTIONS, **AS_BOARD)
    long: str = key("", "Holding the first button for 0.8 s.", choices=ACTIONS, **AS_BOARD)
    very_long: str = key(
        "",
        "Holding the first button for 10 s, warned of after 5 s.",
        choices=ACTIONS,
        **AS_BOARD,
    )


@dataclass(frozen=True)
class Log:
    """What is written down."""

    level: Literal["debug", "info", "warning", "error"] = key("info", "Least weight written.")
    transcripts: bool = key(False, "Write what was said, by whom; it stays in the log.")
    format: Literal["auto", "text", "journal"] = key(
        "auto", "Lines for people, or fields for systemd's journal; auto sees who reads."
    )


@dataclass(frozen=True)
class Paths:
    """Folders; empty is the usual place."""

    models: str = key(
        "",
        "Model store; empty is ~/.cache/bittern, on the appliance /var/lib/bittern-models.",
        form=rf"(?:{WHOLE_PATH})?",
        form_help="the whole path of a folder, from / or ~/",
    )
    state: str = key(
        "",
        "Timers, alarms and counters; empty is ~/.local/state/bittern or /var/lib/bittern.",
        form=rf"(?:{WHOLE_PATH})?",
        form_help="the whole path of a folder, from / or ~/",
    )
    runtime: str = key(
        "",
        "Sockets; empty is $XDG_RUNTIME_DIR/bittern or /run/bittern.",
        form=rf"(?:{WHOLE_PATH})?",
        form_help="the whole path of a folder, from / or ~/",
    )


def plain_word(word: str) -> str:
    """Return a wake word as its card writes it: small letters, blanks for underscores."""
    return word.strip().lower().replace("_", " ")


@dataclass(frozen=True)
class Update:
    """Newer releases; `bittern update` looks for them, and installs them with a way back."""

    url: str = key(
        "",
        "Where releases are published; a folder will do (a stick, a mounted disk).",
        special={"": "nowhere: updates are not set up"},
        form=rf"https://[^\s/@?#]+[^\s@]*|{WHOLE_PATH}",
        form_help="https://HOST/PATH, or a whole path from / or ~/",
    )


@dataclass(frozen=True)
class OwnersPage:
    """The page for the owner's browser; its server is turned on by ``install.sh --page``."""

    enabled: bool = key(False, "Let paired browsers see and change how the appliance is.")
    pairing: Literal["spoken", "button"] = key(
        "spoken",
        "How a browser is let in: it asks, and a code is said; or only who presses the button.",
    )
    names: tuple[str, ...] = key(
        (),
        "Names by which it is called in your network, beside its own.",
        high=16,
        form=r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?",
        form_help='a name in small letters, such as "kitchen.home.arpa"',
    )


def shipped_endpoints() -> tuple[Endpoint, ...]:
    """Return the cloud first, the brain after it."""
    return (
        Endpoint(
            name="openai",
            url="wss://api.openai.com/v1/realtime",
            model="gpt-realtime-2.1-mini",
            key_env="OPENAI_API_KEY",
            transcription_model="gpt-transcribe",
        ),
        Endpoint(
            name="brain",
            url="brain",
            dialect="ga",
            noise_reduction="off",
            # Nobody comes after it, and a busy Pi may need long for a story's first sentence.
            answer_timeout_s=30.0,
        ),
    )


@dataclass(frozen=True)
class Settings:
    """All settings; a table of the file for each field."""

    assistant: Assistant = field(default_factory=Assistant)
    microphone: Microphone = field(default_factory=Microphone)
    speaker: Speaker = field(default_factory=Speaker)
    echo: Echo = field(default_factory=Echo)
    wake: Wake = field(default_factory=Wake)
    profile: tuple[Profile, ...] = ()
    vad: Vad = field(default_factory=Vad)
    endpoint: tuple[Endpoint, ...] = field(default_factory=shipped_endpoints)
    brain: Brain = field(default_factory=Brain)
    mcp: tuple[Mcp, ...] = ()
    own_tools: OwnTools = field(default_factory=OwnTools)
    tools: ModelsTools = field(default_factory=ModelsTools)
    mqtt: Mqtt = field(default_factory=Mqtt)
    camera: Camera = field(default_factory=Camera)
    budget: Budget = field(default_factory=Budget)
    price: tuple[Price, ...] = ()
    panel: Panel = field(default_factory=Panel)
    log: Log = field(default_factory=Log)
    paths: Paths = field(default_factory=Paths)
    update: Update = field(default_factory=Update)
    page: OwnersPage = field(default_factory=OwnersPage)

    def wake_words(self) -> tuple[str, ...]:
        """Return all words that are listened for, each once."""
        every = [*self.wake.words, *(word for each in self.profile for word in each.words)]
        return tuple(dict.fromkeys(plain_word(word) for word in every))

    def mcp_servers(self) -> tuple[Mcp, ...]:
        """Return the servers of tools that are used."""
        return tuple(server for server in self.mcp if server.enabled)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the enabled endpoints in the order in which they are tried."""
        return tuple(endpoint for endpoint in self.endpoint if endpoint.enabled)
