"""Talk with a brain through the realtime client of `openai-agents`; print what came of it.

Runs in the environment that `prepare` makes, never imports anything of the appliance::

    agents_talk.py ws://127.0.0.1:8765/v1/realtime sounds/

``sounds/`` holds raw PCM (s16le, 24 kHz) of what the user says. The result is one JSON
object with a report for each scene.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from agents import function_tool
from agents.realtime import RealtimeAgent, RealtimePlaybackTracker, RealtimeRunner

PATIENCE_S = 60


@function_tool
def set_timer(seconds: int) -> str:
    """Start a timer.

    Args:
        seconds: How long, in seconds.
    """
    return json.dumps({"ok": True, "seconds": seconds})


@function_tool(needs_approval=True)
def set_alarm(time: str) -> str:
    """Set an alarm for a time of day.

    Args:
        time: When, as HH:MM.
    """
    return json.dumps({"ok": True, "time": time})


class Scene:
    """One session, and all that the client said about it."""

    def __init__(self, url: str, tools: list[Any], **settings: Any) -> None:
        self.url = url
        self.tracker = RealtimePlaybackTracker()
        self.settings = {"model_name": "gpt-realtime-2.1", **settings}
        agent = RealtimeAgent(name="Bittern", instructions="Be brief.", tools=tools)
        self.runner = RealtimeRunner(agent, config={"tracing_disabled": True})
        self.kinds: Counter[str] = Counter()
        self.raw: Counter[str] = Counter()
        self.errors: list[str] = []
        self.tools: list[str] = []
        self.audio_bytes = 0
        self.history: list[Any] = []
        self.session: Any = None
        self.changed = asyncio.Event()

    async def play(self, script: Callable[[Scene], Awaitable[None]]) -> dict[str, Any]:
        config: Any = {
            "url": self.url,
            "api_key": "none",
            "initial_model_settings": self.settings,
            "playback_tracker": self.tracker,
        }
        async with await self.runner.run(model_config=config) as session:
            self.session = session
            reading = asyncio.create_task(self.read())
            await asyncio.wait_for(script(self), PATIENCE_S)
            reading.cancel()
        return {
            "kinds": dict(self.kinds),
            "raw": dict(self.raw),
            "errors": self.errors,
            "tools": self.tools,
            "audio_bytes": self.audio_bytes,
            "history": [without_sound(item.model_dump()) for item in self.history],
        }

    async def read(self) -> None:
        async for event in self.session:
            self.kinds[event.type] += 1
            if event.type == "error":
                self.errors.append(str(event.error))
            elif event.type == "audio":
                self.audio_bytes += len(event.audio.data)
            elif event.type == "tool_end":
                self.tools.append(f"{event.tool.name} {event.arguments} -> {event.output}")
            elif event.type == "tool_approval_required":
                await self.session.approve_tool_call(event.call_id)
            elif event.type == "history_updated":
                self.history = event.history
            elif event.type == "raw_model_event" and event.data.type == "raw_server_event":
                self.raw[event.data.data["type"]] += 1
            self.changed.set()

    async def until(self, counter: Counter[str], kind: str, times: int = 1) -> None:
        while counter[kind] < times:
            self.changed.clear()
            await self.changed.wait()

    async def say(self, sound: bytes) -> None:
        silence = bytes(48 * 1500)
        data = bytes(48 * 300) + sound + silence
        for start in range(0, len(data), 4800):
            await self.session.send_audio(data[start : start + 4800])


def without_sound(item: dict[str, Any]) -> dict[str, Any]:
    for part in item.get("content", ()):
        part["audio"] = len(part.get("audio") or "")
    return item


async def scenes(url: str, heard: dict[str, bytes]) -> dict[str, Any]:
    report: dict[str, Any] = {}

    async def written(scene: Scene) -> None:
        await scene.session.send_message("What is seven times eight?")
        await scene.until(scene.kinds, "audio_end")
        await scene.until(scene.raw, "response.done")
        await asyncio.sleep(0.3)

    async def spoken(scene: Scene) -> None:
        for turn in (1, 2):
            await scene.say(heard["time"])
            await scene.until(scene.raw, "response.done", turn)
        await asyncio.sleep(0.5)

    async def tool(scene: Scene) -> None:
        await scene.say(heard["timer"])
        await scene.until(scene.raw, "response.done", 2)
        await asyncio.sleep(0.3)

    async def approved(scene: Scene) -> None:
        await scene.say(heard["alarm"])
        await scene.until(scene.kinds, "tool_approval_required")
        await scene.until(scene.raw, "response.done", 2)
        await asyncio.sleep(0.3)

    async def interrupted(scene: Scene) -> None:
        await scene.session.send_message("What can you do?")
        await scene.until(scene.raw, "response.done")
        item = [i for i in scene.history if i.type == "message" and i.role == "assistant"][-1]
        scene.tracker.on_play_ms(item.item_id, 0, 700)
        await scene.session.interrupt()
        await scene.until(scene.raw, "conversation.item.truncated")
        await scene.until(scene.raw, "conversation.item.retrieved")
        await scene.session.send_message("What is two plus two?")
        await scene.until(scene.raw, "response.done", 2)
        await asyncio.sleep(0.3)

    async def spoken_over(scene: Scene) -> None:
        await scene.session.send_message("Tell me a long story about a dog.")
        await scene.until(scene.raw, "response.created")
        await scene.say(heard["time"])
        await scene.until(scene.raw, "response.done", 2)
        await asyncio.sleep(0.3)

    server_vad = {"turn_detection": {"type": "server_vad", "interrupt_response": True}}
    report["written"] = await Scene(url, []).play(written)
    report["spoken"] = await Scene(url, []).play(spoken)
    report["tool"] = await Scene(url, [set_timer], **server_vad).play(tool)
    report["approved"] = await Scene(url, [set_alarm]).play(approved)
    report["interrupted"] = await Scene(url, []).play(interrupted)
    report["spoken_over"] = await Scene(url, [], **server_vad).play(spoken_over)
    return report


if __name__ == "__main__":
    sounds = {path.stem: path.read_bytes() for path in sorted(Path(sys.argv[2]).glob("*.pcm"))}
    print(json.dumps(asyncio.run(scenes(sys.argv[1], sounds))))
