"""The control socket, through a real one: who is served, what is refused, who is dropped."""

from __future__ import annotations

import asyncio
import grp
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from device.appliance import control
from device.appliance.control import ControlServer, ControlTakenError, NotServedError, Peer, order
from device.appliance.control_socket import ListeningSocket, passed
from device.appliance.feed import Feed
from device.errors import BitternError

is_root = os.geteuid() == 0


async def answer(request):
    if request.get("command") == "break":
        raise RuntimeError("on purpose")
    if request.get("command") == "refuse":
        raise BitternError("not now", "later")
    return {"echo": request}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ControlServer]:
    one = ControlServer(tmp_path / "run" / "control.sock", answer)
    await one.start()
    yield one
    await one.close()


async def ordered(path: Path, request: dict[str, object]) -> dict[str, object]:
    return await asyncio.to_thread(order, path, request, 5.0)


async def test_an_order_is_carried_out(server):
    reply = await ordered(server.path, {"command": "status"})
    assert reply == {"ok": True, "echo": {"command": "status"}}


async def test_several_orders_on_one_connection(server):
    reader, writer = await asyncio.open_unix_connection(server.path)
    for number in range(3):
        writer.write(json.dumps({"command": "status", "number": number}).encode() + b"\n")
        reply = json.loads(await reader.readline())
        assert reply["echo"]["number"] == number
    writer.close()


async def test_a_refusal_says_what_and_what_to_do(server):
    reply = await ordered(server.path, {"command": "refuse"})
    assert (reply["ok"], reply["error"], reply["advice"]) == (False, "not now", "later")


async def test_an_error_of_our_own_ends_neither_server_nor_client(server):
    assert not (await ordered(server.path, {"command": "break"}))["ok"]
    assert (await ordered(server.path, {"command": "status"}))["ok"]


@pytest.mark.parametrize("line", [b"hello\n", b"[1]\n", b"\xff\xfe\n", b"[" * 8000 + b"\n"])
async def test_what_is_no_object_is_refused(server, line):
    reader, writer = await asyncio.open_unix_connection(server.path)
    writer.write(line)
    assert not json.loads(await reader.readline())["ok"]
    writer.close()


async def test_a_line_without_end_is_refused(server):
    reader, writer = await asyncio.open_unix_connection(server.path)
    writer.write(b"x" * (control.LONGEST_LINE_BYTES * 3))
    assert "bytes" in json.loads(await reader.readline())["error"]
    assert await reader.read() == b""


async def test_who_stalls_is_dropped(server, monkeypatch):
    monkeypatch.setattr(control, "REQUEST_WITHIN_S", 0.2)
    reader, writer = await asyncio.open_unix_connection(server.path)
    writer.write(b'{"command": ')
    assert await asyncio.wait_for(reader.read(), 3.0) == b""


async def test_who_does_not_read_is_dropped(server, monkeypatch):
    monkeypatch.setattr(control, "READ_WITHIN_S", 0.2)
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.setblocking(False)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    await asyncio.get_running_loop().sock_connect(client, str(server.path))
    line = json.dumps({"pad": "x" * 12_000}).encode() + b"\n"

    async def order_for_ever() -> None:
        while True:
            await asyncio.get_running_loop().sock_sendall(client, line)

    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        await asyncio.wait_for(order_for_ever(), 10)
    client.close()
    assert (await ordered(server.path, {"command": "status"}))["ok"]


async def test_under_nine_connections_it_says_that_it_is_busy(server):
    others = [await asyncio.open_unix_connection(server.path) for _ in range(control.MOST_CLIENTS)]
    for _ in range(5):
        reply = await ordered(server.path, {"command": "status"})
        assert reply["error"] == "the appliance is busy"
        assert "others are giving orders" in reply["advice"]
    others.pop()[1].close()
    async with asyncio.timeout(5):
        while not (await ordered(server.path, {"command": "status"}))["ok"]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    for _, writer in others:
        writer.close()


async def test_the_file_is_for_user_and_group_and_goes_with_the_server(server):
    assert server.path.stat().st_mode & 0o777 == 0o660
    await server.close()
    assert not server.path.exists()


async def test_a_dead_servers_file_is_replaced_and_a_living_one_is_left_alone(tmp_path, server):
    with pytest.raises(ControlTakenError):
        await ControlServer(server.path, answer).start()
    assert (await ordered(server.path, {"command": "status"}))["ok"]
    left = tmp_path / "left.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(left))
    again = ControlServer(left, answer)
    await again.start()
    assert (await ordered(left, {"command": "status"}))["ok"]
    await again.close()


async def test_nobody_there_is_said(tmp_path):
    with pytest.raises(NotServedError, match="no appliance"):
        await ordered(tmp_path / "control.sock", {"command": "status"})


def test_who_may():
    assert Peer(1, 0, frozenset()).may_control(990, 990)
    assert Peer(1, 990, frozenset()).may_control(990, 990)
    assert Peer(1, 1000, frozenset({1000, 990})).may_control(990, 990)
    assert not Peer(1, 1000, frozenset({1000, 0})).may_control(990, 990)


ORDER_AS = """
import json, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(b'{"command": "status"}\\n')
print(json.loads(s.makefile().readline())["ok"])
"""


def make_reachable(path: Path) -> None:
    """Let anybody open the socket's file: what refuses then is the server."""
    for folder in path.parents:
        if folder.stat().st_uid == os.geteuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    path.chmod(0o666)


async def order_as(path: Path, *who: str) -> str:
    """What another user gets."""
    done = await asyncio.create_subprocess_exec(
        "setpriv", *who, "/usr/bin/python3", "-c", ORDER_AS, str(path),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    output, errors = await done.communicate()
    return output.decode().strip() or errors.decode()


@pytest.mark.skipif(not is_root, reason="only root can speak as another user")
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is missing")
async def test_another_user_is_refused_by_the_kernels_word(server):
    server._own = (990, grp.getgrnam("audio").gr_gid)
    audio = str(server._own[1])
    make_reachable(server.path)
    stranger = ("--reuid", "65534", "--regid", "65534")
    assert await order_as(server.path, *stranger, "--clear-groups") == "False"
    assert await order_as(server.path, *stranger, "--groups", audio) == "True"
    assert await order_as(server.path, "--reuid", "65534", "--regid", audio, "--clear-groups") == (
        "True"
    )
    assert await order_as(server.path, "--reuid", "990", "--regid", "65534", "--clear-groups") == (
        "True"
    )


def test_the_command_says_that_nothing_runs(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "device", "status", "--socket", str(tmp_path / "no.sock")],
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert done.returncode == 1
    assert "no appliance listens" in done.stderr
    assert "Traceback" not in done.stderr


def keep_as_systemd_would(folder: Path, notify: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "RUNTIME_DIRECTORY": str(folder), "NOTIFY_SOCKET": str(notify)}
    return subprocess.run(
        [sys.executable, "-P", "-m", "device.appliance.control_socket"],
        env=environment, capture_output=True, text=True, timeout=30,
    )  # fmt: skip


async def test_a_socket_that_was_made_before_is_served_without_listening(tmp_path, monkeypatch):
    """In the sandbox neither bind nor listen is allowed; the socket comes from outside of it."""
    (tmp_path / "run").mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        done = await asyncio.to_thread(keep_as_systemd_would, tmp_path / "run", tmp_path / "notify")
        assert (done.returncode, done.stderr) == (0, "")
        assert manager.recv(100) == b"FDSTOREREMOVE=1\nFDNAME=control"
        message, (descriptor,), _, _ = socket.recv_fds(manager, 100, 1)
    assert message == b"FDSTORE=1\nFDNAME=control"
    path = tmp_path / "run" / "control.sock"
    assert path.stat().st_mode & 0o777 == 0o660

    def forbidden(*_: object) -> None:
        raise PermissionError("by the sandbox")

    listener = ListeningSocket(fileno=descriptor)
    monkeypatch.setattr(socket.socket, "bind", forbidden)
    monkeypatch.setattr(socket.socket, "listen", forbidden)
    one = ControlServer(path, answer, listener)
    await one.start()
    assert (await ordered(path, {"command": "status"}))["ok"]
    await one.close()


def test_only_what_systemd_passed_to_this_process_is_taken():
    mine = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "other"}
    assert passed({}) is None
    assert passed(mine) is None
    assert passed({**mine, "LISTEN_PID": "1", "LISTEN_FDNAMES": "control"}) is None


@pytest.mark.skipif(not is_root, reason="only root becomes another user")
def test_it_is_made_by_the_user_whose_folder_it_is(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    for each in (folder, *folder.parents):
        if each == Path("/tmp"):
            break
        each.chmod(0o755)
    os.chown(folder, 65534, 65534)
    (folder / "control.sock").symlink_to("/etc/passwd")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        (tmp_path / "notify").chmod(0o777)
        assert keep_as_systemd_would(folder, tmp_path / "notify").returncode == 0
    found = (folder / "control.sock").lstat()
    assert (found.st_uid, stat.S_ISSOCK(found.st_mode)) == (65534, True)


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[tuple[ControlServer, list[Feed], list[Feed]]]:
    opened: list[Feed] = []
    closed: list[Feed] = []

    async def watch(request):
        if request["command"] != "watch":
            return {}
        opened.append(Feed(closed.append))
        return opened[-1]

    one = ControlServer(tmp_path / "watched.sock", watch)
    await one.start()
    yield one, opened, closed
    await one.close()


async def _until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def _watching(server: ControlServer) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_unix_connection(server.path)
    writer.write(b'{"command": "watch"}\n')
    assert json.loads(await reader.readline()) == {"ok": True}
    return reader, writer


async def test_who_watches_gets_every_event_and_is_forgotten_when_gone(watched, monkeypatch):
    monkeypatch.setattr(control, "REQUEST_WITHIN_S", 0.05)
    server, opened, closed = watched
    reader, writer = await _watching(server)
    await asyncio.sleep(0.1)  # longer than who orders may be silent
    for number in range(5):
        opened[0].put({"event": "one", "number": number})
    got = [json.loads(await reader.readline())["number"] for _ in range(5)]
    assert got == [0, 1, 2, 3, 4]
    assert not closed
    writer.close()
    await _until(lambda: closed == opened)


async def test_a_watcher_who_does_not_read_is_dropped_and_holds_up_nobody(watched):
    server, opened, closed = watched
    _, slow = await _watching(server)
    slow.transport.pause_reading()
    reader, _ = await _watching(server)
    rounds = 0
    while opened[0] not in closed:
        assert rounds < 5_000
        for feed in opened:
            feed.put({"event": "one", "pad": "x" * 4_000})
        assert json.loads(await reader.readline())["event"] == "one"
        rounds += 1
    assert opened[1] not in closed
    assert (await ordered(server.path, {"command": "status"}))["ok"]


async def test_the_end_of_a_feed_ends_the_connection(watched):
    server, opened, _ = watched
    reader, _ = await _watching(server)
    opened[0].close()
    assert await reader.read() == b""
