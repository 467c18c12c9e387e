"""One name, one thing; and the environment is asked at the border only."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

DEVICE = Path(__file__).parents[2] / "device"

SETTINGS_AND_THE_THING = {
    "Assistant", "Budget", "Endpoint", "Microphone", "Panel", "Profile", "Speaker",
}  # fmt: skip
"""A table of the settings has the name of what it sets."""
SEEN_FROM_BOTH_SIDES = {
    "AudioPart": "Realtime's content part: on the wire, and as the brain's thinker gets it",
    "TextPart": "Realtime's content part: on the wire, and as the brain's thinker gets it",
    "Conversation": "Realtime's: on the wire, the device's, the brain's and the scripted cloud's",
    "FunctionTool": "Realtime's: on the wire, who can run it, and who can call it",
    "Response": "Realtime's: on the wire, and the brain's that is being made",
    "Session": "Realtime's: on the wire, and the brain's that is being held",
    "ToolCall": "the call that a model makes, and that the device carries out",
    "Send": "the effect of a sans-I/O core that has an event sent: the device's, the brain's",
    "Outbox": "where a sans-I/O core keeps its effects: the device's, the brain's",
    "Turn": "a question and its answer: as the device, and as the brain keeps it",
    "Voice": "what speaks: in the brain, and from the device through it",
    "EchoChanged": "what the ears hear, with which ears; and what the core is told of it",
    "SpeechEnded": "what the ears hear, with which ears; and what the core is told of it",
    "SpeechStarted": "what the ears hear, with which ears; and what the core is told of it",
    "VoiceDoubted": "what the ears hear, with which ears; and what the core is told of it",
    "VoiceMeasured": "what the ears hear, with which ears; and what the core is told of it",
    "VoiceSuspected": "what the ears hear, with which ears; and what the core is told of it",
    "WakeWordEnded": "what the ears hear, with which ears; and what the core is told of it",
    "WakeWordHeard": "what the ears hear, with which ears; and what the core is told of it",
}
"""The same thing of the field, as its maker, its taker or its stand-in knows it."""

ENVIRONMENT = {
    "__init__.py": "tells onnxruntime, before it loads, to send nothing",
    "__main__.py": "tells OpenBLAS, before it loads, to use one thread",
    "appliance/control_socket.py": "what systemd passes a unit: sockets, folders",
    "appliance/journal.py": "what systemd passes a unit: where its output goes",
    "appliance/secrecy.py": "what children are not to see of it",
    "appliance/service_manager.py": "what systemd passes a unit: its notification socket",
    "audio/chatter.py": "tells JACK's library to start no server",
    "daemon/safe.py": "what systemd passes a unit: how the last run ended",
    "daemon/service.py": "what systemd passes a unit: its state folder",
    "models/location.py": "$BITTERN_MODELS, a default argument of who finds the store",
    "models/pip_settings.py": "pip's own, for its way through the network",
    "panel/gpio.py": "tells lgpio where it may write",
    "settings/key_store.py": "keys, and the user's configuration folder",
    "settings/load.py": "$BITTERN_CONFIG, a default argument of who loads settings",
    "settings/places.py": "what systemd passes a unit: folders",
    "settings/secrets.py": "keys, by the names that the settings give (key_env)",
    "settings/settings_file.py": "the user's configuration folder",
    "settings/store.py": "$BITTERN_MODELS, a default argument of who finds the store",
    "camera/__main__.py": "what systemd passes a unit",
    "toolhost/__main__.py": "what systemd passes a unit; keys of servers, for them alone",
    "tools/moments.py": "$TZ, which the C library obeys",
    "updates/candidate.py": "what the process of a new release is given of it",
}
"""Who else reads or writes it, and why that is no configuration of what runs already."""
OF_OURS = {
    "models/location.py": {"BITTERN_MODELS"},
    "settings/load.py": {"BITTERN_CONFIG"},
    "updates/candidate.py": {"BITTERN_MODELS"},
}
"""Where variables of our own are named, outside of commands."""
FOR_BENCHES = ("brain/answering/putting_together.py", "brain/loading.py", "wake/open.py")
"""Take the store that a bench means where they are handed none; what serves hands them one."""
BY_VARIABLE = {"store", "path_of", "store_folder", "named_folder"}
"""What asks $BITTERN_MODELS: for commands, and for the settings that they load."""


def trees() -> Iterator[tuple[str, ast.Module]]:
    for file in sorted(DEVICE.rglob("*.py")):
        yield str(file.relative_to(DEVICE)), ast.parse(file.read_text())


def test_no_class_name_means_two_things() -> None:
    places = defaultdict(list)
    for file, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(file)
    twice = {name for name, files in places.items() if len(files) > 1}
    excused = SETTINGS_AND_THE_THING | set(SEEN_FROM_BOTH_SIDES)
    assert {name: places[name] for name in twice - excused} == {}
    assert excused - twice == set(), "has one meaning by now: take it out of the list"


def test_the_environment_is_asked_at_the_border_only() -> None:
    asking = set()
    for file, tree in trees():
        for node in ast.walk(tree):
            name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
            if name in ("environ", "getenv", "putenv") and _is_of_os(node):
                asking.add(file)
    border = {file for file in asking if file.startswith(("cli/", "workshop/"))}
    assert asking - border - set(ENVIRONMENT) == set()
    assert set(ENVIRONMENT) - asking == set(), "asks no more: take it out of the list"


def _is_of_os(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "os"


def test_our_own_variables_have_a_say_in_commands_only() -> None:
    named: dict[str, set[str]] = {}
    asking = set()
    for file, tree in trees():
        if file.startswith(("cli/", "workshop/")):
            continue
        for node in ast.walk(tree):
            match node:
                case ast.Constant(value=str(text)) if text in ("BITTERN_MODELS", "BITTERN_CONFIG"):
                    named.setdefault(file, set()).add(text)
                case ast.ImportFrom(module=str(module), names=names):
                    of_models = module in ("device.models", "device.models.location")
                    if of_models and BY_VARIABLE & {each.name for each in names}:
                        asking.add(file)
    assert named == OF_OURS
    assert asking == {"models/__init__.py", "settings/store.py"} | set(FOR_BENCHES)
