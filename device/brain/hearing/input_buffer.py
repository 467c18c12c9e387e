"""Sound that has been appended and not yet committed, on the session's audio clock."""

from __future__ import annotations

from device.brain.protocol.codec import PCM, WireFormat


class InputBuffer:
    """Bytes of one wire format, and where on the audio clock they lie.

    The clock counts what was appended since the session began, in milliseconds; it never
    goes back, not even when the buffer is cleared or the format changes.
    """

    def __init__(self) -> None:
        self.format: WireFormat = PCM
        self._data = bytearray()
        self._start_ms = 0.0

    def __len__(self) -> int:
        return len(self._data)

    @property
    def start_ms(self) -> float:
        """When the oldest sound in the buffer was appended."""
        return self._start_ms

    @property
    def end_ms(self) -> float:
        """How much sound was appended in this session."""
        return self._start_ms + len(self._data) / self.format.bytes_per_ms

    def append(self, data: bytes) -> None:
        """Take more sound."""
        self._data += data

    def clear(self) -> None:
        """Forget everything; the clock goes on."""
        self._start_ms = self.end_ms
        self._data.clear()

    def change_format(self, form: WireFormat) -> None:
        """Go on in another format; what is there would be noise in it, and is forgotten."""
        if form is not self.format:
            self.clear()
            self.format = form

    def take(self, from_ms: float, to_ms: float) -> bytes:
        """Return the sound of a stretch, as far as it is here, and forget all up to its end."""
        first = self._offset(from_ms)
        last = self._offset(to_ms)
        taken = bytes(self._data[first:last])
        self._drop(last)
        return taken

    def forget_before(self, before_ms: float) -> None:
        """Forget what was appended before this time."""
        self._drop(self._offset(before_ms))

    def _offset(self, at_ms: float) -> int:
        samples = round((at_ms - self._start_ms) * self.format.rate_hz / 1000)
        return min(max(0, samples * self.format.bytes_per_sample), len(self._data))

    def _drop(self, count: int) -> None:
        del self._data[:count]
        self._start_ms += count / self.format.bytes_per_ms
