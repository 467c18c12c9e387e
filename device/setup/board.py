"""Step: the board with its lights and buttons."""

from __future__ import annotations

import time

from device.assistant.states import State
from device.panel.boards import Board, board_names, load_board
from device.panel.describe import button_text
from device.panel.detect import guesses, look
from device.panel.dimming import dimming
from device.panel.front import Front
from device.panel.watchers import ButtonEvent
from device.setup.visit import SetupVisit

SHOW_S = 1.5
STATES = (State.LISTENING, State.THINKING, State.SPEAKING, State.MUTED)


class BoardStep:
    """Choose it, see its lights, try its buttons."""

    name = "board"
    title = "The board: lights and buttons"
    takes_hardware = True

    def now(self, visit: SetupVisit) -> str:
        """What is chosen at present."""
        return visit.settings.panel.board

    def run(self, visit: SetupVisit) -> None:
        """Do it."""
        names = board_names()
        boards = {name: load_board(name) for name in names}
        for guess in guesses(look(), boards):
            visit.dialogue.say(f"It looks like {guess.board}: {guess.why}.")
        present = visit.settings.panel.board
        current = names.index(present) if present in names else None
        options = [f"{name}: {boards[name].title}" for name in names]
        chosen = visit.dialogue.choose("Which board?", options, current)
        if chosen is not None:
            visit.change(names[chosen], "panel", "board")
        board = load_board(visit.settings.panel.board)
        self._try(visit, board)
        if board.boot.config_txt and visit.settings.panel.board != present:
            visit.dialogue.say(
                "The board needs lines in config.txt and a restart of the machine:",
                "  sudo /opt/bittern/current/scripts/install.sh "
                f"--board {visit.settings.panel.board}",
            )

    def _try(self, visit: SetupVisit, board: Board) -> None:
        if board.lights.kind == "none" and not board.button:
            visit.dialogue.say("It has no lights and no buttons.")
            return
        front = Front(
            board,
            on_button=lambda event: _told(visit, event),
            on_mute_switch=lambda muted: visit.dialogue.say(
                f"  mute switch: {'on' if muted else 'off'}"
            ),
            dimming=dimming(visit.settings.panel.brightness_percent),
        )
        front.start()
        try:
            if board.lights.kind != "none":
                for state in STATES:
                    visit.dialogue.say(f"  now it shows: {state.replace('_', ' ')}")
                    front.panel.show(state)
                    time.sleep(SHOW_S)
                front.panel.show(State.IDLE)
            if board.button:
                for button in board.button:
                    visit.dialogue.say(f"  {button.name}: {button_text(button)}")
                visit.dialogue.ask("Press them; Enter ends")
        finally:
            front.close()
        for failure in [*front.panel.failures, front.buttons.failure]:
            if failure:
                visit.dialogue.say(f"This does not work here: {failure}")


def _told(visit: SetupVisit, event: ButtonEvent) -> None:
    visit.dialogue.say(f"  {event.button}: {event.gesture} -> {event.action}")
