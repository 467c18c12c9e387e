"""Sound files as microphone and speaker: any kind of file, bad ones too."""

from __future__ import annotations

import io
import struct
import threading
import time
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from device.audio.capture import Capture
from device.audio.files import FileMicrophone, FileSpeaker, SoundFileError, read_sound, write_sound
from device.audio.microphone import MicrophoneWatch, WatchVerdict
from device.audio.pace import RealTime, Simulated
from device.audio.playback import Playback
from device.audio.samples import Samples

TIMEOUT_S = 10.0


def speech(count: int, seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).integers(-20_000, 20_000, count).astype(np.int16)


class Collector:
    """Takes blocks and lets a test wait for a number of samples."""

    def __init__(self) -> None:
        self._blocks: list[Samples] = []
        self._changed = threading.Condition()

    def __call__(self, samples: Samples) -> None:
        with self._changed:
            self._blocks.append(samples)
            self._changed.notify_all()

    @property
    def count(self) -> int:
        return sum(map(len, self._blocks))

    def wait_for(self, count: int) -> Samples:
        with self._changed:
            assert self._changed.wait_for(lambda: self.count >= count, TIMEOUT_S), self.count
            return np.concatenate(self._blocks)


def first_samples(path: Path, count: int) -> Samples:
    """What a file microphone delivers first."""
    collector = Collector()
    microphone = FileMicrophone(path, Simulated())
    microphone.open(collector)
    heard = collector.wait_for(count)
    microphone.close()
    return heard[:count]


def write(path: Path, samples: np.ndarray, rate_hz: int = 16_000, **how: str) -> Path:
    soundfile.write(path, samples, rate_hz, **how)
    return path


def test_a_16_bit_file_comes_through_unchanged_then_silence(tmp_path: Path) -> None:
    sound = speech(16_123)
    path = write(tmp_path / "a.wav", sound)
    heard = first_samples(path, 20_000)
    assert (heard[:16_123] == sound).all()
    assert not heard[16_123:].any()


@pytest.mark.parametrize(
    ("name", "how", "tolerance"),
    [
        ("8-bit.wav", {"subtype": "PCM_U8"}, 256),
        ("24-bit.wav", {"subtype": "PCM_24"}, 1),
        ("32-bit.wav", {"subtype": "PCM_32"}, 1),
        ("float.wav", {"subtype": "FLOAT"}, 1),
        ("double.wav", {"subtype": "DOUBLE"}, 1),
        ("extensible.wav", {"format": "WAVEX"}, 0),
        ("extensible-24.wav", {"format": "WAVEX", "subtype": "PCM_24"}, 1),
        ("flac.flac", {}, 0),
        ("big-endian.aiff", {}, 0),
        ("a-law.wav", {"subtype": "ALAW"}, 1_100),
    ],
)
def test_every_depth(tmp_path: Path, name: str, how: dict[str, str], tolerance: int) -> None:
    sound = speech(5_000)
    path = write(tmp_path / name, sound.astype(np.float64) / 32_768, **how)
    difference = first_samples(path, 5_000).astype(int) - sound
    assert np.abs(difference).max() <= tolerance


@pytest.mark.parametrize("rate_hz", [4_000, 8_000, 11_025, 44_100, 48_000, 192_000])
def test_every_rate(tmp_path: Path, rate_hz: int) -> None:
    sound = speech(rate_hz // 2)
    path = write(tmp_path / "a.wav", sound, rate_hz)
    microphone = FileMicrophone(path)
    assert microphone.rate_hz == rate_hz
    assert microphone.duration_s == pytest.approx(0.5, abs=1e-4)
    assert (first_samples(path, len(sound)) == sound).all()


def test_channels_are_mixed(tmp_path: Path) -> None:
    left, right = speech(1_000, 1) // 2 * 2, speech(1_000, 2) // 2 * 2
    path = write(tmp_path / "stereo.wav", np.stack((left, right), axis=1))
    assert (first_samples(path, 1_000) == (left.astype(int) + right) // 2).all()
    array = write(tmp_path / "array.wav", np.stack([left] * 4, axis=1))
    assert (first_samples(array, 1_000) == left).all()


def test_floats_that_are_no_numbers_are_silence(tmp_path: Path) -> None:
    floats = np.array([0.5, np.nan, np.inf, -np.inf, 9.0], dtype=np.float32)
    path = write(tmp_path / "nan.wav", floats, subtype="FLOAT")
    assert first_samples(path, 5).tolist() == [16_384, 0, 32_767, -32_768, 32_767]


def wav_bytes(sound: np.ndarray, rate_hz: int = 16_000) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, sound, rate_hz, format="WAV")
    return buffer.getvalue()


def test_a_truncated_file_gives_what_there_is(tmp_path: Path) -> None:
    sound = speech(16_000)
    path = tmp_path / "cut.wav"
    path.write_bytes(wav_bytes(sound)[: 44 + 2 * 7_000 + 1])
    heard = first_samples(path, 10_000)
    assert (heard[:7_000] == sound[:7_000]).all()
    assert not heard[7_000:].any()


def test_a_damaged_flac_ends_where_it_is_damaged(tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac", speech(64_000))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    ended = threading.Event()
    microphone, collector = FileMicrophone(path, Simulated(), ended.set), Collector()
    microphone.open(collector)
    assert ended.wait(TIMEOUT_S)
    assert not collector.wait_for(80_000)[-320:].any()
    assert microphone.health().is_active
    microphone.close()


def header(rate_hz: int, channels: int = 1) -> bytes:
    frame = 2 * channels
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate_hz, rate_hz * frame, frame, 16)
    data = struct.pack("<4sI", b"data", 2_000) + bytes(2_000)
    return b"RIFF" + struct.pack("<I", 4 + len(form) + len(data)) + b"WAVE" + form + data


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.wav", b"", "is empty"),
        ("text.wav", b"This is a letter, not a sound.\n" * 40, "is not a sound file"),
        ("stub.wav", wav_bytes(speech(10))[:20], "is not a sound file"),
        ("headers.wav", wav_bytes(np.zeros(0, dtype=np.int16)), "has no sound in it"),
        ("cut-at-data.wav", wav_bytes(speech(100))[:44], "has no sound in it"),
        ("slow.wav", header(100), "has a rate of 100 Hz"),
        ("fast.wav", header(1_000_000), "has a rate of 1000000 Hz"),
        ("still.wav", header(0), "rate of 0 Hz|is not a sound file"),
        ("no-channels.wav", header(16_000, 0), "is not a sound file"),
    ],
)
def test_bad_files_have_one_clear_message(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SoundFileError, match=message) as caught:
        FileMicrophone(path)
    assert str(path) in caught.value.what
    assert caught.value.advice


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(SoundFileError, match="cannot be read: No such file"):
        FileMicrophone(tmp_path / "absent.wav")
    with pytest.raises(SoundFileError, match="is not a file"):
        FileMicrophone(tmp_path)
    with pytest.raises(SoundFileError, match="is not a file"):
        FileMicrophone(Path("/dev/null"))


def test_real_time_is_real_time(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", speech(16_000))
    ended: list[float] = []
    began = time.monotonic()
    microphone = FileMicrophone(path, on_end=lambda: ended.append(time.monotonic() - began))
    collector = Collector()
    microphone.open(collector)
    collector.wait_for(17_600)
    took = time.monotonic() - began
    microphone.close()
    assert microphone.is_live
    assert 1.09 < took < 1.6
    assert len(ended) == 1
    assert 0.99 < ended[0] < 1.5


def test_a_file_that_is_over_is_healthy_and_silent(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", speech(100))
    microphone, collector = FileMicrophone(path, Simulated()), Collector()
    watch = MicrophoneWatch()
    assert watch.judge(microphone.health()) is WatchVerdict.DEAD
    microphone.open(collector)
    collector.wait_for(16_000 * 30)
    assert watch.judge(microphone.health()) is WatchVerdict.HEALTHY
    microphone.close()
    assert watch.judge(microphone.health()) is WatchVerdict.DEAD


def test_opened_again_it_goes_on_where_it_was(tmp_path: Path) -> None:
    sound = speech(16_000)
    path = write(tmp_path / "a.wav", sound)
    ended = []
    microphone = FileMicrophone(path, Simulated(), lambda: ended.append(True))
    heard = []
    for _ in range(3):
        collector = Collector()
        microphone.open(collector)
        collector.wait_for(3_000)
        microphone.close()
        heard.append(collector.wait_for(0))
    everything = np.concatenate(heard)[:16_000]
    assert (everything == sound[: len(everything)]).all()
    assert len(ended) <= 1


def test_a_listener_that_fails_makes_the_microphone_dead_not_mute(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", speech(16_000))

    def fail(samples: Samples) -> None:
        raise ZeroDivisionError("a bug in a listener")

    microphone = FileMicrophone(path, Simulated())
    microphone.open(fail)
    deadline = time.monotonic() + TIMEOUT_S
    while microphone.health().is_active:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    microphone.close()


def test_as_fast_as_possible_loses_nothing_on_the_way_to_a_slow_listener(tmp_path: Path) -> None:
    sound = speech(16_000 * 60)
    path = write(tmp_path / "minute.wav", sound)
    capture = Capture(FileMicrophone(path, Simulated()), ring_s=5, queue_s=0.5)
    began = time.monotonic()
    capture.open()
    heard = []
    while sum(map(len, heard)) < len(sound):
        block = capture.blocks.get(TIMEOUT_S)
        assert block is not None
        heard.append(block.samples)
    took = time.monotonic() - began
    dropped = capture.blocks.dropped_samples
    capture.close()
    assert (np.concatenate(heard)[: len(sound)] == sound).all()
    assert dropped == 0
    assert took < 30


def read_wav(path: Path) -> tuple[np.ndarray, int]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2"), file.getframerate()


def test_the_speaker_writes_what_was_played_when_it_was_played(tmp_path: Path) -> None:
    path, sound = tmp_path / "out.wav", speech(12_000)
    playback = Playback(FileSpeaker(path))
    finished = threading.Event()
    playback.on_finished = lambda key: finished.set()
    playback.open()
    time.sleep(0.1)
    playback.play("item", sound)
    began = time.monotonic()
    assert finished.wait(TIMEOUT_S)
    took = time.monotonic() - began
    playback.close()
    written, rate_hz = read_wav(path)
    assert rate_hz == 24_000
    start = int(np.flatnonzero(written)[0])
    assert (written[start : start + 12_000] == sound).all()
    assert not written[start + 12_000 :].any()
    assert 0.08 < start / rate_hz < 0.4
    assert 0.45 < took < 0.9


def test_microphone_and_speaker_in_simulated_time_stay_together(tmp_path: Path) -> None:
    """What is fed when the microphone is at a position sounds at that position."""
    path, out, chime = write(tmp_path / "in.wav", speech(160_000)), tmp_path / "out.wav", speech(99)
    pace = Simulated()
    playback = Playback(FileSpeaker(out, pace=pace))
    capture = Capture(FileMicrophone(path, pace))
    playback.open()
    while not pace._waiting_for:
        time.sleep(0.001)
    capture.open()
    fed_at = None
    while (block := capture.blocks.get(TIMEOUT_S)) is not None and block.end_sample <= 160_000:
        if fed_at is None and block.at_sample >= 48_000:
            fed_at = block.at_sample / 16_000
            playback.play("chime", chime)
    capture.close()
    playback.close()
    written, rate_hz = read_wav(out)
    start = int(np.flatnonzero(written)[0])
    assert (written[start : start + 99] == chime).all()
    assert fed_at is not None
    assert 0 <= start / rate_hz - fed_at <= 2.1, "the queue of the capture is 2 s"


def test_the_file_is_valid_while_it_is_being_written(tmp_path: Path) -> None:
    """A process that is killed leaves a file that plays, at most a second short."""
    path = tmp_path / "out.wav"
    speaker = FileSpeaker(path, rate_hz=8_000)
    pulled = threading.Semaphore(0)

    def fill(frames: int) -> Samples:
        pulled.release()
        return np.full(frames, 77, dtype=np.int16)

    speaker.open(fill)
    for _ in range(102):
        assert pulled.acquire(timeout=TIMEOUT_S)
    copy = tmp_path / "copy.wav"
    copy.write_bytes(path.read_bytes())
    speaker.close()
    seen, rate_hz = read_wav(copy)
    assert rate_hz == 8_000
    assert len(seen) >= 8_000
    assert (seen == 77).all()
    assert len(read_wav(path)[0]) > len(seen) - 1


def test_a_full_disk_is_reported_and_nobody_hangs() -> None:
    speaker = FileSpeaker(Path("/dev/full"))
    playback = Playback(speaker)
    finished = threading.Event()
    playback.on_finished = lambda key: finished.set()
    try:
        playback.open()
    except SoundFileError:
        pytest.skip("/dev/full cannot be opened here")
    playback.play("item", speech(2_400))
    assert finished.wait(TIMEOUT_S), "the sound goes on without a file"
    with pytest.raises(SoundFileError, match=r"/dev/full cannot be written: No space left"):
        playback.close()


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(SoundFileError, match="cannot be written: No such file"):
        FileSpeaker(tmp_path / "nowhere" / "out.wav").open(np.zeros)
    with pytest.raises(SoundFileError, match="cannot be written: Is a directory"):
        write_sound(tmp_path, speech(10), 24_000)


def test_a_fill_that_fails_leaves_a_valid_file_and_a_dead_speaker(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    speaker = FileSpeaker(path, pace=RealTime())
    left = iter([np.ones(480, dtype=np.int16)] * 3)
    speaker.open(lambda frames: next(left))
    deadline = time.monotonic() + TIMEOUT_S
    while speaker.health().is_active:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with pytest.raises(SoundFileError):
        speaker.close()
    speaker.close()
    assert len(read_wav(path)[0]) == 1_440


def test_whole_sounds(tmp_path: Path) -> None:
    path, sound = tmp_path / "a.wav", speech(1_000)
    write_sound(path, sound, 22_050)
    read, rate_hz = read_sound(path)
    assert (read == sound).all()
    assert rate_hz == 22_050


def test_people(recordings: Path) -> None:
    """Every recording of people can be a microphone."""
    found = sorted(recordings.rglob("*.flac"))
    assert found
    for path in found[:20]:
        read, rate_hz = read_sound(path)
        assert (first_samples(path, min(len(read), rate_hz)) == read[:rate_hz]).all()
