"""Signatures by ``ssh-keygen -Y``: a tool that every Raspberry Pi OS has and that is well kept.

Rather than minisign, which is a further package on every appliance, and rather than a
library, which would be code of ours around a primitive: OpenSSH reads the list of trusted
keys, checks the purpose (namespace) that a signature was made for, knows when a key ran
out, and can sign with a key on a hardware token.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from device.updates.errors import NotSetUp, NotTrusted, UpdateFailed

NAMESPACE = "bittern-release"
"""What the signature is for: one made for a git commit or a login is none of these."""
PRINCIPAL = "bittern-release"
"""The name that every line of the list of trusted keys begins with."""
PROGRAM = "ssh-keygen"
LARGEST_BYTES = 16 << 10
_WHAT = {NAMESPACE: "the manifest is", "bittern-signers": "the new list of keys is"}
_WITHIN_S = 30
_SIGNS_WITHIN_S = 600
"""A person may have to type a passphrase or touch a token."""


def verify(
    content: bytes,
    signature: bytes,
    signers: Path,
    namespace: str = NAMESPACE,
    program: str = PROGRAM,
) -> str:
    """Check that somebody of the list ``signers`` (OpenSSH's allowed_signers) signed this.

    Returns what ssh-keygen says about who it was. Raises NotTrusted, and NotSetUp where
    there is no list or no ssh-keygen.
    """
    if not signers.is_file():
        raise NotSetUp(
            f"nobody's releases are trusted: there is no {signers}",
            f"Write the key of who makes them into it: `{PRINCIPAL} ssh-ed25519 AAAA…`",
        )
    with tempfile.TemporaryDirectory(prefix="bittern-update-") as folder:
        mark = Path(folder) / "signature"
        mark.write_bytes(signature)
        command = [program, "-Y", "verify", "-f", str(signers), "-I", PRINCIPAL]
        command += ["-n", namespace, "-s", str(mark)]
        done = _run(command, content, _WITHIN_S)
    if done.returncode != 0:
        raise NotTrusted(
            f"{_WHAT.get(namespace, namespace)} not signed by anybody whom {signers} names "
            f"({_last_line(done.stderr or done.stdout)})",
            "Nothing of it was used. If the keys have changed, ask the makers by another way.",
        )
    return _last_line(done.stdout)


def sign(file: Path, key: Path, namespace: str = NAMESPACE, program: str = PROGRAM) -> Path:
    """Write ``FILE.sig`` beside a file with a private key (or a public one held by an agent)."""
    signature = file.with_name(file.name + ".sig")
    signature.unlink(missing_ok=True)
    command = [program, "-Y", "sign", "-f", str(key), "-n", namespace, str(file)]
    done = _run(command, None, _SIGNS_WITHIN_S)
    if done.returncode != 0 or not signature.is_file():
        raise UpdateFailed(
            f"{file} could not be signed with {key}: {_last_line(done.stderr)}",
            "Make a key with `ssh-keygen -t ed25519 -f KEY -C bittern-release`.",
        )
    return signature


def _run(
    command: list[str], content: bytes | None, within_s: float
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(command, input=content, capture_output=True, timeout=within_s)
    except FileNotFoundError:
        raise NotSetUp(
            f"there is no {command[0]}, which checks signatures",
            "Install it: `sudo apt install openssh-client`.",
        ) from None
    except subprocess.TimeoutExpired:
        raise UpdateFailed(f"{command[0]} did not end within {within_s:g} s") from None


def _last_line(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "it says nothing"
