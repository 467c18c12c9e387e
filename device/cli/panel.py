"""``bittern panel``: see the lights, try the buttons, find a board."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from device.cli import Commands
from device.errors import EXIT_FAILURE

if TYPE_CHECKING:
    from device.panel.boards import Board
    from device.panel.watchers import ButtonEvent

LONGEST_S = 86400.0


def add_commands(commands: Commands[argparse.ArgumentParser]) -> None:
    """Declare ``bittern panel demo|test|boards``."""
    family = commands.add_parser("panel", help="see the lights, try the buttons, find a board")
    panel = family.add_subparsers(dest="panel_command", metavar="COMMAND", required=True)

    demo = panel.add_parser("demo", help="show every state on the lights")
    _add_board_options(demo)
    demo.add_argument("--seconds", type=_positive, default=3.0, help="for each state (default 3)")
    demo.set_defaults(run=run_demo)

    test = panel.add_parser("test", help="light what is pressed, until Ctrl-C")
    _add_board_options(test)
    test.add_argument("--seconds", type=_positive, help="end after this time")
    test.set_defaults(run=run_test)

    boards = panel.add_parser("boards", help="list the boards, or describe one")
    boards.add_argument("board", nargs="?", help="name of a board or path of a board file")
    boards.add_argument("--json", action="store_true", help="one JSON object for each board")
    boards.set_defaults(run=run_boards, markdown=False)


def _add_board_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--board",
        help='name or path, as "bittern board list" shows them; default: that of the settings',
    )
    command.add_argument(
        "--terminal", action="store_true", help="draw the lights here too (with no board: always)"
    )
    command.add_argument(
        "--brightness", type=_percent, default=60, metavar="PERCENT", help="default 60"
    )


def _board(arguments: argparse.Namespace) -> Board:
    from device.panel.boards import load_board
    from device.settings import load_settings

    return load_board(arguments.board or load_settings().settings.panel.board)


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= LONGEST_S:
        raise argparse.ArgumentTypeError(f"expected a number of seconds, above 0, not {text!r}")
    return number


def _percent(text: str) -> int:
    if not text.isdecimal() or int(text) > 100:
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 to 100, not {text!r}")
    return int(text)


def run_demo(arguments: argparse.Namespace) -> int:
    """Show each state, the local brain, mute and the volume, one after the other."""
    from device.panel.demo import scenes
    from device.panel.dimming import dimming
    from device.panel.panel import Panel
    from device.panel.wiring import lamps_of

    board = _board(arguments)
    lamps = lamps_of(board, terminal=_wants_terminal(arguments, board), stream=sys.stdout)
    panel = Panel(lamps, dimming(arguments.brightness))
    panel.start()
    try:
        for scene in scenes():
            scene(panel, arguments.seconds)
            if len(panel.failures) == len(lamps):
                break
    finally:
        panel.close()
    return EXIT_FAILURE if panel.failures else 0


def run_test(arguments: argparse.Namespace) -> int:
    """Say which button was pressed how, and light up for it."""
    from device.assistant.states import State
    from device.panel.dimming import dimming
    from device.panel.front import Front

    board = _board(arguments)

    def told(event: ButtonEvent) -> None:
        print(f"button {event.button}: {event.gesture.value} -> {event.action.value}", flush=True)
        state = front.panel.view.state
        front.panel.show(State.IDLE if state is State.LISTENING else State.LISTENING)

    def switched(muted: bool) -> None:
        print(f"mute switch: {'muted' if muted else 'not muted'}", flush=True)

    front = Front(
        board,
        on_button=told,
        on_mute_switch=switched,
        dimming=dimming(arguments.brightness),
        terminal=arguments.terminal,
    )
    buttons = ", ".join(f"{button.name} (GPIO{button.pin})" for button in board.button) or "none"
    print(f"{board.title}; buttons: {buttons}. Ctrl-C ends.", flush=True)
    front.start()
    try:
        time.sleep(arguments.seconds or LONGEST_S)
    finally:
        front.close()
    return EXIT_FAILURE if front.panel.failures or front.buttons.failure else 0


def run_boards(arguments: argparse.Namespace) -> int:
    """List the boards, or print everything about one, as ``bittern board`` does."""
    from device.cli.board import run_list, run_show

    return run_show(arguments) if arguments.board else run_list(arguments)


def _wants_terminal(arguments: argparse.Namespace, board: Board) -> bool:
    return bool(arguments.terminal) or board.lights.kind == "none"
