"""``bittern brain``: the local endpoint."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.errors import EXIT_USAGE, BitternError

if TYPE_CHECKING:
    import socket
    import ssl

    from device.brain.base.truths import HouseTruths
    from device.brain.sessions.server import ServerOptions
    from device.cli import Commands

DEFAULT_LISTEN = "127.0.0.1:8765"


class BrainUsageError(BitternError):
    """The options of ``bittern brain`` do not go together."""

    exit_code = EXIT_USAGE


def add_commands(commands: Commands[Any]) -> None:
    """Declare ``brain``."""
    command = commands.add_parser(
        "brain",
        help="serve the Realtime protocol from this machine",
        description="Serve the Realtime protocol with models of this machine, network or not.",
    )
    command.add_argument(
        "--listen",
        default=None,
        metavar="ADDRESS",
        help="unix:PATH or HOST:PORT; without it, the socket that systemd passed, "
        f"or else {DEFAULT_LISTEN}",
    )
    command.add_argument(
        "--strict", action="store_true", help="refuse what OpenAI refuses, such as unknown fields"
    )
    command.add_argument(
        "--beta", action="store_true", help="speak the beta dialect to clients that ask for it"
    )
    command.add_argument(
        "--token-env",
        metavar="NAME",
        help="environment variable that holds the bearer token clients need",
    )
    command.add_argument(
        "--tls-cert", type=Path, metavar="PEM", help="certificate, with those it rests on: wss"
    )
    command.add_argument("--tls-key", type=Path, metavar="PEM", help="its private key")
    command.add_argument(
        "--model", type=Path, metavar="GGUF", help="a language model of your own for open questions"
    )
    command.add_argument(
        "--tool-model",
        choices=("none", "needle"),
        help="a model for free phrasing, for what the rules do not understand (none)",
    )
    _declare_truths(command)
    _declare_bounds(command)
    command.add_argument(
        "--from-settings",
        action="store_true",
        help="take what is not given here of --model, --tool-model, --idle-exit-s from [brain], "
        "and --models from [paths]",
    )
    command.set_defaults(run=run)


def _declare_bounds(command: argparse.ArgumentParser) -> None:
    """Where the models are, and how long and how many it serves."""
    command.add_argument(
        "--models", type=Path, metavar="FOLDER", help="the model store (that of this machine)"
    )
    command.add_argument(
        "--idle-exit-s", type=float, metavar="N", help="end after N seconds without a client"
    )
    command.add_argument(
        "--max-session-s", type=float, metavar="N", help="end a session after N seconds (3600)"
    )
    command.add_argument(
        "--max-sessions", type=int, metavar="N", help="serve at most N sessions at a time (16)"
    )


def _declare_truths(command: argparse.ArgumentParser) -> None:
    """What is true of the house around, for answers that nobody may guess."""
    command.add_argument(
        "--country", default="", metavar="CC", help="whose emergency numbers are said, as in US"
    )
    command.add_argument(
        "--help-tool", default="", metavar="NAME", help="tool that is offered in an emergency"
    )
    for name, meaning in (
        ("--may-ask-cloud", "questions may go to endpoints elsewhere"),
        ("--keeps-sound", "sound around the wake word is kept"),
        ("--keeps-words", "what was said is written to the log"),
    ):
        command.add_argument(name, action="store_true", help=f"when asked, say that {meaning}")


def _truths(arguments: argparse.Namespace) -> HouseTruths:
    from device.brain.base.truths import HouseTruths

    return HouseTruths(
        country=arguments.country,
        help_tool=arguments.help_tool,
        may_ask_cloud=arguments.may_ask_cloud,
        keeps_sound=arguments.keeps_sound,
        keeps_words=arguments.keeps_words,
    )


def run(arguments: argparse.Namespace) -> int:
    """Load the models, listen, and serve until told to stop."""
    import asyncio
    import signal

    from device.brain.loading import load_abilities
    from device.brain.sessions.listening_socket import describe, is_private
    from device.brain.sessions.server import BrainServer
    from device.models import store, store_at

    if arguments.from_settings:
        _take_from_settings(arguments)
    options = _options(arguments)
    listener = _listener(arguments.listen)
    if options.token is None and not is_private(listener):
        where = describe(listener)
        listener.close()
        raise BrainUsageError(
            f"{where} can be reached from other machines",
            "name the variable that holds a token with --token-env, or listen on 127.0.0.1",
        )
    if options.tls is None and not is_private(listener):
        _warn_of_clear_text(describe(listener))
    here = store_at(arguments.models) if arguments.models else store()
    abilities = load_abilities(
        arguments.model, arguments.tool_model or "none", here, _truths(arguments)
    )

    url = describe(listener, is_encrypted=options.tls is not None)

    async def serve() -> None:
        server = BrainServer(abilities, options)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, server.stop)
        await server.run(listener, lambda: print(f"ready: {url}", flush=True))

    try:
        asyncio.run(serve())
    finally:
        _remove(arguments.listen)
    return 0


def _take_from_settings(arguments: argparse.Namespace) -> None:
    """Read the owner's wishes, if they can be read: with bad settings a brain is needed most."""
    import sys

    from device.room.policy import house_truths
    from device.settings import load_settings
    from device.settings.tree import Settings

    try:
        settings = load_settings().settings
    except BitternError as mistakes:
        print(f"bittern: the shipped settings apply: {mistakes.what}", file=sys.stderr)
        settings = Settings()
    chosen = settings.brain
    if arguments.models is None and settings.paths.models:
        arguments.models = Path(settings.paths.models).expanduser()
    if arguments.model is None and chosen.chat_model:
        arguments.model = Path(chosen.chat_model).expanduser()
    arguments.tool_model = arguments.tool_model or chosen.tool_model
    for name, value in house_truths(settings).items():
        setattr(arguments, name, getattr(arguments, name) or value)
    if arguments.idle_exit_s is None:
        arguments.idle_exit_s = chosen.idle_exit_s or None


def _options(arguments: argparse.Namespace) -> ServerOptions:
    from dataclasses import replace

    from device.brain.protocol.limits import BrainLimits
    from device.brain.sessions.server import ServerOptions

    limits = BrainLimits()
    if arguments.max_session_s is not None:
        limits = replace(limits, session_s=arguments.max_session_s)
    if arguments.max_sessions is not None:
        limits = replace(limits, sessions=arguments.max_sessions)
    return ServerOptions(
        limits=limits,
        strict=arguments.strict,
        speaks_beta=arguments.beta,
        token=_token(arguments.token_env),
        idle_exit_s=arguments.idle_exit_s,
        tls=_tls(arguments.tls_cert, arguments.tls_key),
    )


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """The encryption that the two files make; None without them."""
    import ssl

    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise BrainUsageError(
            "a certificate needs its key, and a key its certificate",
            "give both --tls-cert and --tls-key",
        )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except OSError as failure:  # which ssl.SSLError is too
        raise BrainUsageError(
            f"{certificate} and {key} cannot be used: {failure.strerror or failure}",
            "give a certificate and the private key that belongs to it, without a passphrase, "
            "as PEM files that this user may read",
        ) from None
    return context


def _warn_of_clear_text(where: str) -> None:
    import sys

    print(
        f"bittern: WARNING: {where} is not encrypted. Everybody in the network can hear what is "
        "said, and read the token. Give --tls-cert and --tls-key.",
        file=sys.stderr,
        flush=True,
    )


def _token(variable: str | None) -> str | None:
    if variable is None:
        return None
    token = os.environ.get(variable, "").strip()
    if not token:
        raise BrainUsageError(
            f"the environment variable {variable} holds no token", "set it, or drop --token-env"
        )
    return token


def _listener(listen: str | None) -> socket.socket:
    from device.brain.sessions.listening_socket import ListenAddress, open_socket, passed_sockets

    if listen is None:
        passed = passed_sockets(os.environ, os.getpid())
        if len(passed) > 1:
            raise BrainUsageError(f"{len(passed)} sockets were passed; the brain serves one")
        if passed:
            return passed[0]
    return open_socket(ListenAddress.parse(listen or DEFAULT_LISTEN))


def _remove(listen: str | None) -> None:
    """Remove the Unix socket that we made; one that was passed belongs to its maker."""
    if listen is not None and listen.startswith("unix:"):
        Path(listen.removeprefix("unix:")).unlink(missing_ok=True)
