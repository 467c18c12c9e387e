"""Where no server is named, nothing of other people's tools is loaded, nor started."""

from __future__ import annotations

import subprocess
import sys

LOADS = """
import asyncio, sys
from pathlib import Path
import device.house.appliance
from device.house.other_tools import OtherTools
from device.settings.tree import Settings, OwnTools

async def opened():
    others = OtherTools(Path("/nowhere/tools.sock"), None)
    await others.adopt(Settings(own_tools=OwnTools(folder="/nowhere")))
    await others.close()

asyncio.run(opened())
sdk = {"mcp", "mcp_types", "anyio", "httpx2", "pydantic", "starlette"}
ours = ("device.tools.hosted", "device.toolhost", "device.appliance.tool_host")
print([name for name in sys.modules if name.split(".")[0] in sdk or name.startswith(ours)])
"""


OWN_ONLY = """
import sys
from device.settings.tree import OwnTools, Settings
from device.toolhost.opening import sources_of

(own,) = sources_of(Settings(own_tools=OwnTools(folder="/nowhere")), {})
print([name for name in ("mcp", "anyio", "httpx2", "pydantic") if name in sys.modules])
"""


def test_own_tools_alone_need_no_sdk() -> None:
    done = subprocess.run(
        [sys.executable, "-c", OWN_ONLY], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"


def test_nothing_is_loaded_for_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADS], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"
