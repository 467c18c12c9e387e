"""An authority of the house that signs servers of this machine; needs openssl."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Authority:
    """Makes itself and signs servers of 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.file, self._key = folder, folder / "ca.pem", folder / "ca.key"
        _openssl(
            "req", "-x509", *EC, "-days", 2, "-subj", "/CN=the house",
            "-addext", "keyUsage=critical,keyCertSign", "-keyout", self._key, "-out", self.file,
        )  # fmt: skip

    def server_files(self) -> tuple[Path, Path]:
        """A certificate for 127.0.0.1, and its key."""
        key, request, cert = (self.folder / f"server.{end}" for end in ("key", "csr", "pem"))
        extensions = self.folder / "extensions"
        # Python 3.13 insists on the second (RFC 5280).
        extensions.write_text("subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=keyid\n")
        _openssl("req", *EC, "-subj", "/CN=server", "-keyout", key, "-out", request)
        _openssl(
            "x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self._key,
            "-CAcreateserial", "-days", 2, "-extfile", extensions, "-out", cert,
        )  # fmt: skip
        return cert, key

    def server(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.server_files())
        return context
