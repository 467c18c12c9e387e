"""The settings in the terms of the core and of the brain."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from device.assistant.budget import Budget
from device.assistant.policy import BargeIn, Policy
from device.clocks import is_between
from device.models.location import chosen_folder
from device.settings import tree
from device.settings.places import OWN_BRAIN


def policy_from(settings: tree.Settings) -> Policy:
    """The ``[assistant]`` and ``[budget]`` of the settings in the core's terms."""
    assistant = settings.assistant
    return Policy(
        follow_up_s=assistant.follow_up_s,
        follow_up_statement_s=assistant.follow_up_statement_s,
        follow_up_done_s=assistant.follow_up_done_s,
        follow_ups=assistant.follow_ups,
        follow_up_limit_s=assistant.follow_up_limit_s,
        barge_in=BargeIn(assistant.barge_in),
        no_speech_timeout_s=assistant.no_speech_timeout_s,
        turn_limit_s=assistant.turn_limit_s,
        answer_limit_s=assistant.answer_limit_s,
        link_idle_s=assistant.link_idle_s,
        memory_s=assistant.memory_s,
        chime=assistant.chime,
        say_notices=assistant.say_notices,
        budget=budget_from(settings.budget),
    )


def budget_from(budget: tree.Budget) -> Budget:
    """The ``[budget]`` of the settings in the core's terms."""
    return Budget(budget.month_usd, budget.warn_percent, stops=budget.at_limit == "brain")


def quiet_hours(
    speaker: tree.Speaker, now: Callable[[], dt.datetime] = dt.datetime.now
) -> Callable[[], bool]:
    """Whether it is one of the quiet hours of ``[speaker]``."""
    begin, end = (
        dt.time.fromisoformat(each) if each else None
        for each in (speaker.quiet_from, speaker.quiet_to)
    )
    return lambda: is_between(now().time(), begin, end)


def brain_arguments(settings: tree.Settings) -> list[str]:
    """The ``[brain]`` of the settings, and their store, as arguments of ``bittern brain``."""
    brain = settings.brain
    arguments = ["--models", str(chosen_folder(settings.paths.models))]
    if brain.idle_exit_s:
        arguments += ["--idle-exit-s", str(brain.idle_exit_s)]
    if brain.chat_model:
        arguments += ["--model", brain.chat_model]
    if brain.tool_model != "none":
        arguments += ["--tool-model", brain.tool_model]
    for name, value in house_truths(settings).items():
        option = f"--{name.replace('_', '-')}"
        if isinstance(value, str):
            arguments += [option, value] if value else []
        elif value:
            arguments.append(option)
    return arguments


def house_truths(settings: tree.Settings) -> dict[str, str | bool]:
    """What the settings say of the house, so that the brain can answer truly when asked.

    The names are those of `HouseTruths`, and of the options of ``bittern brain``.
    """
    return {
        "country": settings.assistant.country,
        "help_tool": settings.brain.help_tool,
        "may_ask_cloud": any(each.url != OWN_BRAIN for each in settings.endpoints()),
        "keeps_sound": bool(settings.wake.keep_recordings),
        "keeps_words": settings.log.transcripts,
    }
