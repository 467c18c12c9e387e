"""Where the brain listens: its socket unit's place only for a service that has one."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from device.settings.places import brain_socket, control_socket
from device.settings.tree import Paths

SERVICE = {"RUNTIME_DIRECTORY": "/run/bittern"}


@pytest.fixture
def made_by_systemd(tmp_path):
    path = tmp_path / "brain.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        yield path


def test_a_service_uses_the_socket_that_systemd_made(made_by_systemd):
    assert brain_socket(Paths(), SERVICE, made_by_systemd) == made_by_systemd


def test_without_one_it_starts_its_own(tmp_path):
    missing = tmp_path / "none.sock"
    (tmp_path / "file.sock").touch()
    own = Path("/run/bittern/brain.sock")
    assert brain_socket(Paths(), SERVICE, missing) == own
    assert brain_socket(Paths(), SERVICE, tmp_path / "file.sock") == own


def test_a_user_leaves_the_services_brain_alone(made_by_systemd):
    found = brain_socket(Paths(), {"XDG_RUNTIME_DIR": "/run/user/7"}, made_by_systemd)
    assert found == Path("/run/user/7/bittern/brain.sock")


def test_a_folder_in_the_settings_comes_first(made_by_systemd):
    paths = Paths(runtime="/srv/b")
    assert brain_socket(paths, SERVICE, made_by_systemd) == Path("/srv/b/brain.sock")
    assert control_socket(paths, SERVICE) == Path("/srv/b/control.sock")
