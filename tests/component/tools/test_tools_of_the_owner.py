"""The owner's own tools: what is shipped works, mistakes are named by file and line."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from tool_hosting import hosting
from waiting import until

from device.cli import main
from device.toolhost.own_source import OwnSource, files_in
from device.tools.hosted.offers import SourceRules

RULES = SourceRules("own", 5.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "tools.d"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(tmp_path: Path, folder: Path) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text(f'[own_tools]\nfolder = "{folder}"\n')
    return path


def source(folder: Path, timeout_s: float = 5.0) -> OwnSource:
    return OwnSource("own", folder, timeout_s, os.environ)


async def mistakes_of(folder: Path, **texts: str) -> tuple[str, ...]:
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text)
    return (await source(folder).look(list(files_in(folder)))).mistakes


def tools(settings: Path, *arguments: str) -> int:
    return main(["tools", *arguments, "--config", str(settings)])


def call(settings: Path, *arguments: str) -> int:
    return main(["mcp", "call", *arguments, "--config", str(settings)])


def test_what_is_shipped_works_as_it_is(
    settings: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tools(settings, "new", "airing") == 0
    assert tools(settings, "new", "running", "--like", "program") == 0
    assert tools(settings, "check") == 0
    out = capsys.readouterr().out
    assert "airing  Say how long to air a room." in out
    assert "running  Tell how long this machine has been running." in out
    assert call(settings, "airing", '{"room": "kitchen", "minutes": 3}') == 0
    said = json.loads(capsys.readouterr().out)
    assert said["result"] == "Open the window of the kitchen for 5 minutes."
    assert call(settings, "running") == 0
    assert json.loads(capsys.readouterr().out)["result"]["running_s"] > 0
    assert call(settings, "airing", '{"room": "attic"}') == 1
    assert "room must be one of" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["Big", "9lives", "a-b", "x/../../y", ""])
def test_a_name_that_no_tool_can_have(
    settings: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tools(settings, "new", name) == 1
    assert "cannot be the name of a tool" in capsys.readouterr().err


def test_nothing_of_the_owners_is_written_over(
    settings: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "mine.py").write_text("# mine")
    assert tools(settings, "new", "mine") == 1
    assert "is there already" in capsys.readouterr().err
    assert (folder / "mine.py").read_text() == "# mine"


GOOD = 'def good() -> str:\n    """Say something good."""\n    return "good"\n'


async def test_a_mistake_is_named_with_its_line_and_harms_no_other_file(folder: Path) -> None:
    found = await mistakes_of(
        folder,
        good=GOOD,
        broken="def a():\n  return (\n",
        fails="import json\n\njson.loads('')\n",
        untyped='\n\ndef b(x):\n    """B.\n\n    Args:\n        x: What.\n    """\n',
        silent="def c() -> str:\n    return ''\n",
        empty="X = 1\n",
        same=GOOD,
        leaves="import sys\n\nsys.exit(3)\n",
        waits="import time\n",
    )
    assert [line.split(": ")[0] for line in found] == [
        "broken.py:2", "empty.py:1", "fails.py:3", "leaves.py:3", "same.py:1", "silent.py:1",
        "untyped.py:3", "waits.py:1",
    ]  # fmt: skip
    told = await source(folder).look(list(files_in(folder)))
    assert [tool.name for tool in told.tools] == ["good"]


async def test_what_anybody_may_write_and_what_is_no_tool_are_not_run(folder: Path) -> None:
    found = await mistakes_of(folder, good=GOOD)
    assert found == ()
    (folder / "good.py").chmod(0o666)
    (folder / "notes.txt").write_text("buy milk")
    found = await mistakes_of(folder)
    assert "good.py:1: others may write to it: chmod go-w" in found[0]
    assert "notes.txt:1: it is neither a .py file nor a program" in found[1]


WAYS = '''
import os, sys, time

def hangs() -> str:
    """Hang."""
    time.sleep(600)

def dies() -> str:
    """Die."""
    os._exit(3)

def floods() -> str:
    """Flood."""
    return "x" * 5_000_000

def prints() -> dict:
    """Print."""
    print("some words")
    return {"n": 1}

def raises(n: int) -> str:
    """Raise.

    Args:
        n: How much.
    """
    raise ValueError(f"{n} is too much")

def unfit() -> object:
    """Return what JSON cannot hold."""
    return object()

async def waits() -> str:
    """Wait."""
    return "waited"

def keys() -> str:
    """Tell the environment."""
    return " ".join(sorted(os.environ))
'''


async def test_whatever_a_function_does_there_is_an_answer(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "ways.py").write_text(WAYS)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-you")
    async with hosting(tmp_path, [source(folder, 2.0)], [RULES]) as house:
        await house.until_ready("own")
        assert (await house.call("hangs"))["error"] == "hangs did not end within 2 s"
        assert (await house.call("dies"))["error"] == "it ended with status 3"
        assert "says more than" in (await house.call("floods"))["error"]
        assert (await house.call("prints"))["result"] == {"n": 1}
        assert (await house.call("raises", n=9))["error"] == "9 is too much (ways.py:27)"
        assert "what JSON cannot hold" in (await house.call("unfit"))["error"]
        assert (await house.call("waits"))["result"] == "waited"
        assert "KEY" not in (await house.call("keys"))["result"]


async def test_who_waits_no_longer_ends_the_call(tmp_path: Path, folder: Path) -> None:
    begun = tmp_path / "pid"
    text = f'''
import os, pathlib, time

def waits() -> str:
    """Wait."""
    pathlib.Path("{begun}").write_text(str(os.getpid()))
    time.sleep(600)
'''
    (folder / "waits.py").write_text(text)
    rules = SourceRules("own", timeout_s=2.5)
    async with hosting(tmp_path, [source(folder, timeout_s=60.0)], [rules]) as house:
        await house.until_ready("own")
        assert "did not finish within 2.5 s" in (await house.call("waits"))["error"]
        process = Path("/proc") / begun.read_text()
        await until(lambda: not process.exists(), asyncio.Event(), 5.0)


async def test_a_file_that_comes_and_changes_is_seen(tmp_path: Path, folder: Path) -> None:
    async with hosting(tmp_path, [source(folder)], [RULES]) as house:
        await house.until_ready("own")
        assert house.names() == []
        told = asyncio.Event()
        house.registry.watch(told.set)
        (folder / "good.py").write_text(GOOD)
        await until(lambda: house.names() == ["good"], told, 15.0)
        (folder / "good.py").write_text(GOOD.replace("good()", "better()"))
        await until(lambda: house.names() == ["better"], told, 15.0)


# -- weather and news --------------------------------------------------------------------

FORECAST = {
    "current": {"temperature_2m": 3.6, "weather_code": 61, "wind_speed_10m": 9},
    "daily": {
        "weather_code": [3, 71],
        "temperature_2m_max": [5.2, 1.4],
        "temperature_2m_min": [-0.6, -3.5],
        "precipitation_probability_max": [80, 40],
    },
}
FEED = """<rss><channel><title>World</title>
<item><title><![CDATA[Rain &amp; <b>wind</b>]]></title></item>
<item><title>Bitterns boom again</title></item></channel></rss>"""


@pytest.fixture
def service() -> Iterator[str]:
    """The two services as their documentation has them, at an address of this machine."""

    class Served(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if "search" in self.path:
                known = {"results": [{"name": "Oslo", "latitude": 59.9, "longitude": 10.7}]}
                answer = json.dumps({} if "Nowhere" in self.path else known)
            else:
                answer = json.dumps(FORECAST) if "forecast" in self.path else FEED
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Served) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_weather_and_news_read_what_their_services_say(
    settings: Path, folder: Path, service: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("weather", "news"):
        assert tools(settings, "new", name, "--like", name) == 0
        text = (folder / f"{name}.py").read_text()
        for place in ("geocoding-api.open-meteo.com", "api.open-meteo.com", "feeds.bbci.co.uk"):
            text = text.replace(f"https://{place}", service)
        (folder / f"{name}.py").write_text(text)
    capsys.readouterr()
    assert call(settings, "get_weather", '{"place": "Oslo"}') == 0
    assert json.loads(capsys.readouterr().out)["result"] == {
        "conditions": "light rain",
        "highest_celsius": 5,
        "lowest_celsius": -1,
        "chance_of_rain_percent": 80,
        "place": "Oslo",
        "temperature_celsius": 4,
    }
    assert call(settings, "get_weather", '{"days_ahead": 1}') == 0
    assert json.loads(capsys.readouterr().out)["result"]["conditions"] == "light snow"
    assert call(settings, "get_weather", '{"place": "Nowhere"}') == 1
    assert "no place called Nowhere is known" in capsys.readouterr().err
    assert call(settings, "get_news") == 0
    said = json.loads(capsys.readouterr().out)["result"]
    assert said == {"headlines": ["Rain & wind", "Bitterns boom again"]}


def test_none_of_it_is_on_by_itself(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mcp", "list", "--config", str(settings)]) == 1
    assert "there are no tools of your own" in capsys.readouterr().err


async def test_a_file_that_has_gone_while_the_folder_was_read_harms_no_other(folder: Path) -> None:
    (folder / "stays.py").write_text('def stays() -> str:\n    """Stay."""\n    return "here"\n')
    told = await source(folder).look([folder / "gone.py", folder / "stays.py"])
    assert [tool.name for tool in told.tools] == ["stays"]
    (mistake,) = told.mistakes
    assert mistake.startswith("gone.py:1: ")
