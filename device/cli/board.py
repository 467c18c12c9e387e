"""``bittern board``: which boards there are, what one needs, and which this is."""

from __future__ import annotations

import argparse

from device.cli import Commands


def add_commands(commands: Commands[argparse.ArgumentParser]) -> None:
    """Declare ``bittern board list|show|mixer|detect``."""
    family = commands.add_parser("board", help="the boards: list, describe, detect")
    board = family.add_subparsers(dest="board_command", metavar="COMMAND", required=True)

    listing = board.add_parser("list", help="list the boards")
    listing.add_argument("--json", action="store_true", help="one JSON object for each board")
    listing.add_argument("--markdown", action="store_true", help="all of it, as documentation")
    listing.set_defaults(run=run_list)

    show = board.add_parser("show", help="lights, buttons, sound card, config.txt, wires")
    show.add_argument("board", help="name of a board or path of a board file")
    show.add_argument("--json", action="store_true", help="as one JSON object")
    show.set_defaults(run=run_show)

    mixer = board.add_parser("mixer", help="the levels of the board's sound card, and set them")
    mixer.add_argument("board", nargs="?", help="default: the board of the settings")
    mixer.add_argument("--apply", action="store_true", help="set those that are not right")
    mixer.set_defaults(run=run_mixer)

    detect = board.add_parser("detect", help="guess which board this is; changes nothing")
    detect.add_argument("--json", action="store_true", help="what was found, and the guesses")
    detect.set_defaults(run=run_detect)


def run_list(arguments: argparse.Namespace) -> int:
    """List all boards."""
    from device.panel.boards import board_names, load_board
    from device.panel.describe import document

    if arguments.markdown:
        print(document({name: load_board(name) for name in board_names()}), end="")
        return 0
    for name in board_names():
        board = load_board(name)
        if arguments.json:
            _print_json({"name": name, **_plain(board)})
        else:
            print(f"{name:24} {board.title}")
    return 0


def run_show(arguments: argparse.Namespace) -> int:
    """Print everything about one board."""
    from device.panel.boards import load_board
    from device.panel.describe import describe

    board = load_board(arguments.board)
    if arguments.json:
        _print_json({"name": arguments.board, **_plain(board)})
    else:
        print(describe(board))
    return 0


def run_mixer(arguments: argparse.Namespace) -> int:
    """Show each level as it is and should be; 1 where one is not right."""
    from device.errors import EXIT_FAILURE
    from device.panel import mixer
    from device.panel.boards import load_board
    from device.settings import load_settings

    board = load_board(arguments.board or load_settings().settings.panel.board)
    if arguments.apply:
        mixer.apply(board.sound)
    found = mixer.levels(board.sound)
    for level in found:
        state = "" if level.is_right else f", should be {level.wanted}"
        print(f"{level.control}: {level.trouble or level.found}{state}")
    if not found:
        print(f"{board.title}: no levels are described")
    return 0 if all(level.is_right for level in found) else EXIT_FAILURE


def run_detect(arguments: argparse.Namespace) -> int:
    """Print what the kernel has found, and the boards that this may be."""
    from device.panel.boards import board_names, load_board
    from device.panel.detect import guesses, look

    found = look()
    guessed = guesses(found, {name: load_board(name) for name in board_names()})
    if arguments.json:
        _print_json({"found": _plain(found), "guesses": [_plain(guess) for guess in guessed]})
        return 0
    print(f"machine:    {found.model or 'not a Raspberry Pi'}")
    print(f"HAT EEPROM: {found.hat or 'none'}")
    for card in found.cards:
        usb = f" (USB {card.usb_id})" if card.usb_id else ""
        print(f"sound card: {card.id}: {card.description}{usb}")
    for guess in guessed:
        print(f'board = "{guess.board}"  # {guess.why}')
    return 0


def _plain(thing: object) -> dict[str, object]:
    import dataclasses

    assert dataclasses.is_dataclass(thing)
    assert not isinstance(thing, type)
    return dataclasses.asdict(thing)


def _print_json(content: dict[str, object]) -> None:
    import json

    print(json.dumps(content, ensure_ascii=False))
