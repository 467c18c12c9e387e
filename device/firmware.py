"""Where the files of ``firmware_config/`` are, in a clone and in an installed release alike."""

from __future__ import annotations

from pathlib import Path

FIRMWARE = Path(__file__).resolve().parent.parent / "firmware_config"
"""Shipped settings, boards and the model manifest; beside the package in both layouts."""
