"""A server of tools as a child process, with bounds on what it may send.

The SDK's own transport keeps a line until its end comes, however long it gets, and logs each
line that is no message with its traceback: one server that floods would take the memory of all.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client._transport import TransportStreams
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter

from device.plain_text import one_line

log = logging.getLogger(__name__)

LONGEST_LINE_BYTES = 4 << 20
MOST_RUBBISH = 50
"""Lines that are no message: some programs greet; one that goes on speaks something else."""
LEAVES_WITHIN_S = 0.25
"""Each time it is asked more firmly: with what runs in it, the host ends within a second."""
LAST_WORDS_WITHIN_S = 0.5


class ChildServer:
    """A child process as a transport of the SDK, and what is known of its end."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """``environment``: the whole of it."""
        self._command = tuple(command)
        self._environment = dict(environment)
        self._last_words: deque[str] = deque(maxlen=3)
        self.ended = asyncio.Event()
        """It has gone, or is not listened to any longer."""
        self.why = ""
        """Why, where it was not we who ended it."""
        self._is_closing = False

    @contextlib.asynccontextmanager
    async def streams(self) -> AsyncIterator[TransportStreams]:
        """Start it; at the end it is gone, with all that it has started. Raises ``OSError``."""
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
            limit=LONGEST_LINE_BYTES,
            start_new_session=True,
        )
        heard, reading = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        writing, said = anyio.create_memory_object_stream[SessionMessage](0)
        complaining = asyncio.create_task(self._complain(process), name="a server complains")
        tasks = [
            asyncio.create_task(self._hear(process, heard, complaining), name="hears a server"),
            asyncio.create_task(self._speak(process, said), name="speaks to a server"),
            complaining,
        ]
        try:
            yield reading, writing
        finally:
            self._is_closing = True
            # The SDK's scope, once cancelled, cancels each wait inside it: nobody would end it.
            with anyio.CancelScope(shield=True):
                await _ended(process)
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
            for stream in (heard, reading, writing, said):
                stream.close()

    async def _hear(
        self,
        process: asyncio.subprocess.Process,
        heard: MemoryObjectSendStream[SessionMessage | Exception],
        complaining: asyncio.Task[None],
    ) -> None:
        assert process.stdout is not None
        rubbish = 0
        try:
            while rubbish <= MOST_RUBBISH:
                line = await process.stdout.readline()
                if not line:
                    await asyncio.wait({complaining}, timeout=LAST_WORDS_WITHIN_S)
                    if not self._is_closing:
                        self.why = ": ".join(["it has ended", *self._last_words])
                    return
                try:
                    message = jsonrpc_message_adapter.validate_json(line, by_name=False)
                except ValueError:
                    rubbish += 1
                    continue
                await heard.send(SessionMessage(message))
            self.why = f"it says what is no message: {one_line(line.decode('latin-1'), 80)}"
        except ValueError:
            self.why = f"it sends a line of more than {LONGEST_LINE_BYTES} bytes"
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass  # the session has ended
        finally:
            self.ended.set()
            heard.close()

    async def _speak(
        self, process: asyncio.subprocess.Process, said: MemoryObjectReceiveStream[SessionMessage]
    ) -> None:
        assert process.stdin is not None
        with contextlib.suppress(OSError, anyio.ClosedResourceError):
            async for each in said:
                text = each.message.model_dump_json(by_alias=True, exclude_unset=True)
                process.stdin.write(text.encode() + b"\n")
                await process.stdin.drain()

    async def _complain(self, process: asyncio.subprocess.Process) -> None:
        """Keep the last of what it says on standard error; a person may want to know."""
        assert process.stderr is not None
        while piece := await process.stderr.read(4096):
            for line in piece.decode("latin-1").splitlines():
                if line.strip():
                    self._last_words.append(one_line(line.strip(), 160))


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Close its input, then ask it to end, then end it, and all that it has started."""
    if process.stdin is not None:
        process.stdin.close()
    # Not by asyncio.timeout, which takes a cancellation of the SDK's scopes for its own.
    end = asyncio.ensure_future(process.wait())
    for force in (None, signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if force is not None:
                os.killpg(process.pid, force)
        await asyncio.wait({end}, timeout=LEAVES_WITHIN_S)
        if end.done():
            break
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # what it has started and not taken with it
    # Its pipes are still open where it had more to say than was read; asyncio has no other way.
    process._transport.close()  # type: ignore[attr-defined]
