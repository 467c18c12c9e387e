"""How much one client may ask of the brain, and how much all of them together."""

from __future__ import annotations

from dataclasses import dataclass

MEBI = 1024 * 1024


@dataclass(frozen=True, slots=True)
class BrainLimits:
    """Bounds of one brain. Figures with a source are the protocol's, the others are ours."""

    append_bytes: int = 15 * MEBI
    """Sound in one ``input_audio_buffer.append`` (documented: 15 MiB)."""
    event_bytes: int = 21 * MEBI
    """One event as text: the largest append in base64, and room for the rest."""
    buffered_audio_bytes: int = 24 * MEBI
    """Sound that waits in the input buffer: 8 minutes of PCM."""
    kept_audio_bytes: int = 16 * MEBI
    """Sound that a conversation keeps; above it the oldest items lose theirs, not their words."""
    items: int = 1000
    """Items of one conversation; above it the oldest are deleted, and the client is told."""
    item_bytes: int = 4 * MEBI
    """Text and pictures of one item, in characters."""
    item_characters: int = 128 * 1024
    """Text of one item, or of the instructions or the tools of a session: about what a whole
    context holds."""
    kept_characters: int = 512 * 1024
    """Text that a conversation keeps; above it the oldest items are deleted."""
    session_characters: int = 1024 * 1024
    """Text of instructions and tools together."""
    session_s: float = 3600.0
    """How long a session lives (documented: 60 minutes)."""
    sessions: int = 16
    """Sessions at the same time; further clients get HTTP 503."""
    seat_idle_s: float = 10.0
    """After so long without a word its place is given to a newcomer, if all are taken."""
    idle_s: float = 900.0
    """A session whose client says nothing for so long ends."""
    unread_bytes_per_peer: int = 42 * MEBI
    """Messages of one address that are not there to their last byte: two of the largest."""
    unread_bytes: int = 64 * MEBI
    """The same of everybody."""
    responses_per_session: int = 8
    """Responses of one session at the same time, those out of band included."""
    responses: int = 4
    """Responses that are worked on at the same time, by all sessions; others wait their turn."""
    tokens_per_minute: int = 1_000_000
    """What ``rate_limits.updated`` counts down from, per session."""
    unsent_bytes: int = 4 * MEBI
    """Events that wait for a client to read; above it nothing more is spoken or accepted."""
    slow_client_s: float = 20.0
    """How long a client may leave that much unread before it is dropped."""
    min_commit_ms: int = 100
    """Shortest sound that can be committed (reported by users of the cloud)."""
