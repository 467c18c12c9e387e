"""A server of tools over HTTP, by the SDK: ``http_tool_server.py PORT TOOL…``."""

from __future__ import annotations

import sys

import uvicorn
from mcp.server.mcpserver import Context, MCPServer

server = MCPServer("over http")


def add(name: str) -> None:
    def say(text: str = "") -> str:
        """Say it."""
        return f"{name} says {text}"

    server.add_tool(say, name=name)


async def grow(context: Context) -> str:
    """Have one tool more."""
    add("grown")
    await context.notify_tools_changed()
    return "grown"


server.add_tool(grow)
for each in sys.argv[2:]:
    add(each)
uvicorn.run(server.streamable_http_app(), port=int(sys.argv[1]), log_level="error")
