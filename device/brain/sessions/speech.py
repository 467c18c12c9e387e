"""What the assistant said in one content part: the words, the sound, and which is where."""

from __future__ import annotations

from dataclasses import dataclass, field

from device.brain.protocol.codec import PCM, WireFormat


@dataclass(slots=True)
class _Sentence:
    text: str
    end_ms: float


@dataclass(slots=True)
class Speech:
    """Grows while the answer is made; is cut where the user stopped listening."""

    format: WireFormat = PCM
    data: bytearray = field(default_factory=bytearray)
    text: str = ""
    duration_ms: float = 0.0
    is_cut: bool = False
    _sentences: list[_Sentence] = field(default_factory=list)

    def begin_sentence(self, sentence: str) -> None:
        """Say that the sound to come belongs to this sentence."""
        if not self.is_cut:
            self.text += sentence
            self._sentences.append(_Sentence(sentence, self.duration_ms))

    def sound(self, data: bytes) -> None:
        """Add sound of the current sentence."""
        if self.is_cut:
            return
        self.data += data
        self.duration_ms += len(data) / self.format.bytes_per_ms
        if self._sentences:
            self._sentences[-1].end_ms = self.duration_ms

    def cut(self, audio_end_ms: int) -> None:
        """Keep what was heard until then: whole words, by their share of the sentence."""
        self.text = self._heard(audio_end_ms)
        self.duration_ms = min(self.duration_ms, float(audio_end_ms))
        del self.data[audio_end_ms * self.format.bytes_per_ms :]
        self.is_cut = True

    def _heard(self, until_ms: float) -> str:
        heard = ""
        start_ms = 0.0
        for sentence in self._sentences:
            is_silent = sentence.end_ms <= start_ms
            if until_ms > sentence.end_ms or (until_ms == sentence.end_ms and not is_silent):
                heard += sentence.text
            elif until_ms > start_ms:
                share = (until_ms - start_ms) / (sentence.end_ms - start_ms)
                heard += _whole_words(sentence.text, round(share * len(sentence.text)))
                break
            start_ms = sentence.end_ms
        return heard.strip()


def _whole_words(text: str, length: int) -> str:
    """Return the first characters of a text, without the word that is cut in two."""
    if length >= len(text) or text[length].isspace():
        return text[:length]
    return text[:length].rpartition(" ")[0]
