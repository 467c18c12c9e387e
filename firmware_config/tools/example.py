"""your_tool: a tool of your own. Each function here whose name begins with a letter is one.

The assistant reads the name, the docstring and the types; write them for somebody who has never
seen your house. A name that begins with get_ says that it only looks. `bittern tools check` says
what is wrong, with the line; `bittern mcp call your_tool '{"room": "kitchen"}'` calls it. What a
function returns (a text, a number, a list, a dict) is what the assistant gets to know.
"""

from typing import Literal


def your_tool(room: Literal["kitchen", "bedroom"], minutes: int = 10) -> str:
    """Say how long to air a room.

    Args:
        room: Which room.
        minutes: How long at least.
    """
    needed = max(minutes, 15 if room == "bedroom" else 5)
    return f"Open the window of the {room} for {needed} minutes."


def _helper() -> None:
    """A name with an underscore before it is nobody's business but yours."""
