"""Each kind of mistake a person makes in a settings file, and the one line that tells them."""

from __future__ import annotations

import pytest

from device.firmware import FIRMWARE
from device.schema.document import Document, parse_document, read_document
from device.schema.mistakes import MistakesError
from device.settings.load import LoadedSettings, SettingsError, assemble


@pytest.fixture(scope="module")
def shipped() -> Document:
    return read_document(FIRMWARE / "bittern.toml")


def load(shipped: Document, text: str) -> LoadedSettings:
    return assemble(shipped, parse_document(text.encode(), "my.toml"))


def mistakes(shipped: Document, text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(shipped, text)
    return [str(mistake) for mistake in caught.value.mistakes]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[microphone]\nblock_ms = "20"',
            'my.toml:2: microphone.block_ms = "20": expected a whole number, 5 to 100 ms',
        ),
        (
            "[microphone]\nblock_ms = 20.5",
            "my.toml:2: microphone.block_ms = 20.5: expected a whole number, 5 to 100 ms",
        ),
        (
            "[microphone]\nblock_ms = true",
            "my.toml:2: microphone.block_ms = true: expected a whole number, 5 to 100 ms",
        ),
        (
            "[microphone]\nrate_hz = 12345",
            "my.toml:2: microphone.rate_hz = 12345: expected 0 (the device's own) or one of 8000, "
            "11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 176400, "
            "192000 Hz",
        ),
        (
            "[microphone]\nrate_hz = false",
            "my.toml:2: microphone.rate_hz = false: expected 0 (the device's own) or one of 8000, "
            "11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 176400, "
            "192000 Hz",
        ),
        (
            "[microphone]\ngain_db = nan",
            "my.toml:2: microphone.gain_db = nan: expected a number, -40 to 40 dB",
        ),
        (
            "[microphone]\ngain_db = -inf",
            "my.toml:2: microphone.gain_db = -inf: expected a number, -40 to 40 dB",
        ),
        (
            "[assistant]\nfollow_up_s = -1",
            "my.toml:2: assistant.follow_up_s = -1: expected a number, 0 to 60 s",
        ),
        (
            '[assistant]\nbarge_in = "vioce"',
            'my.toml:2: assistant.barge_in = "vioce": expected one of "wake_word", "voice", "off"',
        ),
        (
            '[assistant]\nchime = "yes"',
            'my.toml:2: assistant.chime = "yes": expected true or false',
        ),
        (
            '[microphone]\nchannel = "left"',
            'my.toml:2: microphone.channel = "left": expected a whole number, 0 to 31 or "mix"',
        ),
        (
            "[wake]\nwords = []",
            "my.toml:2: wake.words = []: expected a list of 1 to 8 wake words in quotes",
        ),
        (
            "[wake]\nwords = [1]",
            "my.toml:2: wake.words = [1]: expected a list of 1 to 8 wake words in quotes",
        ),
        (
            '[panel]\nnight_from = "25:00"',
            'my.toml:2: panel.night_from = "25:00": '
            'expected "" (never) or a time of day such as "22:00"',
        ),
        (
            "[panel]\nnight_from = 22:00:00",
            "my.toml:2: panel.night_from = 22:00:00: "
            'expected "" (never) or a time of day such as "22:00"',
        ),
        (
            'wake = "hey jarvis"',
            'my.toml:1: wake = "hey jarvis": expected a table: [wake] with its keys below it',
        ),
        (
            "[endpoint]\nname = 'x'",
            "my.toml:1: endpoint = { … }: expected tables with two brackets: "
            "[[endpoint]] with its keys below it",
        ),
        (
            "endpoint = ['x']",
            'my.toml:1: endpoint#1 = "x": expected tables with two brackets: '
            "[[endpoint]] with its keys below it",
        ),
        (
            "[[endpoint]]\nname = 'lan'\nmodel = 'm'",
            "my.toml:2: endpoint.lan: expected the key url",
        ),
        (
            "[[endpoint]]\nmodel = 'm'",
            "my.toml:2: endpoint#1: expected the key name and url",
        ),
        (
            "[[endpoint]]\nname = 'lan'\nurl = 'https://host'",
            'my.toml:3: endpoint#1.url = "https://host": expected wss://HOST/PATH, '
            'ws://HOST/PATH, unix:PATH or "brain", without user or password',
        ),
        (
            "[[endpoint]]\nname='a'\nurl='ws://a'\n[[endpoint]]\nname='a'\nurl='ws://b'",
            'my.toml: endpoint: expected one endpoint of the name "a"',
        ),
        (
            "[[endpoint]]\nname='openai'\nenabled=false\n[[endpoint]]\nname='brain'\nenabled=false",
            "my.toml:3: endpoint.openai.enabled = false: "
            "expected at least one endpoint that is enabled",
        ),
        (
            "[paths]\nmodels = 'models'",
            'my.toml:2: paths.models = "models": expected the whole path of a folder, from / or ~/',
        ),
        (
            "[panel]\nboard = 'mine.toml'",
            'my.toml:2: panel.board = "mine.toml": expected the name of a board such as '
            '"rgb-two-buttons", or a whole path from / or ~/',
        ),
        (
            "[vad]\nstart_threshold = 0.2",
            "my.toml:2: vad.start_threshold = 0.2: "
            "expected end_threshold (0.35) not above start_threshold (0.2)",
        ),
        (
            "[assistant]\nturn_limit_s = 90",
            "my.toml:2: assistant.turn_limit_s = 90.0: expected ring_s (60 s) to hold a whole "
            "question, which turn_limit_s lets be 92 s long with what was said before it was "
            "noticed",
        ),
        (
            "[panel]\nnight_to = '06:30'",
            'my.toml:2: panel.night_to = "06:30": '
            "expected night_from and night_to, both or neither",
        ),
        (
            "[speaker]\nquiet_from = '22:00'\nquiet_to = '22:00'",
            'my.toml:2: speaker.quiet_from = "22:00": '
            "expected quiet_to to be another time than quiet_from",
        ),
    ],
)
def test_a_mistake_is_told_in_one_line(shipped: Document, text: str, message: str) -> None:
    assert mistakes(shipped, text) == [message]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("[microphone]\nchanel = 0", "microphone.channel"),
        ("[microphone]\nblock = 20", "microphone.block_ms"),
        ("[microphon]\nblock_ms = 20", "microphone"),
        ("[mic]\nblock_ms = 20", "microphone"),
        ("[Speaker]\nvolume_percent = 20", "speaker"),
        ("volume_percent = 20", "speaker.volume_percent"),
        ("[speaker]\ngain_db = 3", "microphone.gain_db"),
        ("[[endpoint]]\nname='x'\nurll='ws://x'", "endpoint#1.url"),
    ],
)
def test_a_typo_is_answered_with_the_nearest_key(shipped: Document, text: str, meant: str) -> None:
    (message,) = mistakes(shipped, text)
    assert message.endswith(f"there is no such key; did you mean {meant}?")


def test_a_key_that_resembles_nothing_is_answered_with_all_there_are(shipped: Document) -> None:
    (message,) = mistakes(shipped, "[log]\nzzz = 1")
    assert message.endswith("expected a key of: format, level, transcripts")


def test_every_mistake_is_told_not_only_the_first(shipped: Document) -> None:
    found = mistakes(
        shipped,
        "[microphone]\nblock_ms = 0\nring_s = 'x'\n[log]\nlevel = 3\n"
        "[panel]\nnight_from = '22:00'\n[[endpoint]]\nname = 'B A D'\nurl = 'ws://x'",
    )
    assert [message.split(" = ")[0] for message in found] == [
        "my.toml:2: microphone.block_ms",
        "my.toml:3: microphone.ring_s",
        "my.toml:5: log.level",
        "my.toml:9: endpoint#1.name",
    ]


def test_what_a_terminal_would_obey_is_escaped(shipped: Document) -> None:
    (message,) = mistakes(shipped, '[log]\nlevel = "\\u001b[2J\\u009b1m\\n"')
    assert message.isprintable()


def test_a_long_value_is_cut(shipped: Document) -> None:
    (message,) = mistakes(shipped, f"[log]\nlevel = '{'x' * 5000}'")
    assert len(message) < 200


SECRET = "sk-proj-" + "aB3_" * 12


@pytest.mark.parametrize(
    "text",
    [
        f"[[endpoint]]\nname = 'openai'\nkey = '{SECRET}'",
        f"[[endpoint]]\nname = 'openai'\napi_key = '{SECRET}'",
        "[[endpoint]]\nname = 'openai'\npassword = 'short'",
        f"[[endpoint]]\nname = 'openai'\nkey_env = '{SECRET}'",
        f"[[endpoint]]\nname = 'openai'\nkey_file = '{SECRET}'",
        f"[[endpoint]]\nname = 'openai'\nurl = 'wss://host/v1?api-key={SECRET}'",
        "[[endpoint]]\nname = 'openai'\nurl = 'wss://host/v1?model=m&key=short'",
        "[[endpoint]]\nname = 'openai'\nurl = 'wss://user:short@host/v1'",
        "[[endpoint]]\nname = 'azure'\nurl='ws://a'\nkey_env = '" + "0123456789abcdef" * 2 + "'",
        f"openai_api_key = '{SECRET}'",
        f"[assistant]\ninstructions = 'Use Bearer {SECRET}'",
        f"[wake]\nwords = ['{SECRET}']",
        f"[other]\nx = {{ y = '{SECRET}' }}",
    ],
)
def test_a_secret_is_refused_and_never_repeated(shipped: Document, text: str) -> None:
    (message,) = mistakes(shipped, text)
    assert "<hidden>" in message
    assert SECRET not in message
    assert "short" not in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[log\nlevel = 1", "my.toml:1: column 5: not TOML: "),
        (b"a = 1\na = 2", "my.toml:2: not TOML: Cannot overwrite a value"),
        (b"a = ", "my.toml:1: not TOML: Invalid value"),
        (b"name = \xff", "my.toml:1: expected UTF-8, found the byte 0xff"),
        (b"a = " + b"[" * 5000, "my.toml: expected brackets nested at most 32 deep"),
        (b"a = " + b"[" * 99 + b"]" * 99, "my.toml: expected brackets nested at most 32 deep"),
        (b"a" + b".a" * 99 + b" = 1", "my.toml: expected brackets nested at most 32 deep"),
        (b"a = " + b"1" * 5000, "my.toml: not TOML: Exceeds the limit"),
        (b"\x00", "my.toml:1: column 1: not TOML: "),
        (b"a = 2025-02-30", "my.toml:1: column 5: not TOML: Invalid date or datetime"),
    ],
)
def test_what_is_not_toml_is_told_with_its_place(content: bytes, message: str) -> None:
    with pytest.raises(MistakesError) as caught:
        parse_document(content, "my.toml")
    assert caught.value.what.startswith(message)
    assert "\n" not in caught.value.what


def test_bad_settings_end_the_process_with_78(shipped: Document) -> None:
    with pytest.raises(SettingsError) as caught:
        load(shipped, "x = 1")
    assert caught.value.exit_code == 78


@pytest.mark.parametrize(
    "text",
    [
        "[brain]\nchat_model = '/home/me/sk-learn-and-other-things/model.gguf'",
        "[assistant]\ninstructions = 'Tell who asks for the key of the house: 42.'",
        "[[endpoint]]\nname = 'lan'\nurl = 'wss://host:443/v1?model=key-note'",
    ],
)
def test_what_only_resembles_a_secret_is_allowed(shipped: Document, text: str) -> None:
    load(shipped, text)
