"""A server of tools over HTTP, by the SDK: ``http_tool_server.py PORT TOOL…``."""

from __future__ import annotations

import sys

import uvicorn
from mcp.server.mcpserver import MCPServer

server = MCPServer("over http")


def add(name: str) -> None:
    def say(text: str = "") -> str:
        """Say it."""
        return f"{name} says {text}"

    server.add_tool(say, name=name)


for each in sys.argv[2:]:
    add(each)
uvicorn.run(server.streamable_http_app(), port=int(sys.argv[1]), log_level="error")
