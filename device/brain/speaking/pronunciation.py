"""The voice's knowledge of how words are pronounced, in a form that takes little memory.

Hibari's reading of text (its ``g2p``) looks words up in dictionaries that its package
carries as compressed JSON. They are packed once into files beside the models, and only
mapped from then on; where these cannot be written, they are packed in memory each time.
"""

from __future__ import annotations

import gc
import gzip
import hashlib
import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.brain.speaking.packed import PackedTable, open_packed, pack, write_packed
from device.memory import give_back_memory
from device.ownership import changeable_by_others

if TYPE_CHECKING:
    from hibari.g2p import G2P

_log = logging.getLogger(__name__)

_LEXICONS = ("lexicon_us_gold.json.gz", "lexicon_us_silver.json.gz")
_TAGGER = "tagger.json.gz"
_SMALL = "small.json"


def prepare(folder: Path) -> Path:
    """Write the packed tables below ``folder``, if they are not there; return where.

    Raises ``OSError`` where the folder cannot be written.
    """
    assets = _assets()
    place = _place(folder, assets)
    if not (place / _SMALL).is_file():
        if os.geteuid() == 0 and changeable_by_others(folder):
            raise PermissionError(f"{folder} is not root's alone")
        _log.info("packing the voice's dictionaries into %s", place)
        small, tables = _read(assets)
        for name, table in tables.items():
            write_packed(place / f"{name}.table", pack(table))
        write_packed(place / _SMALL, json.dumps(small).encode())
    return place


def load_pronunciation(folder: Path | None) -> G2P:
    """Return Hibari's reader of text with packed dictionaries.

    ``folder`` is where they are kept, or None to keep them in memory.
    """
    small, tables = _tables(folder)
    reader = _assemble(small, tables)
    # Reading the JSON leaves 100 MB of free memory behind that the allocator would keep.
    gc.collect()
    give_back_memory()
    return reader


def _tables(folder: Path | None) -> tuple[dict[str, Any], Mapping[str, PackedTable]]:
    names = ("gold", "silver", "words", "weights", "known")
    if folder is not None:
        try:
            place = prepare(folder)
            small = json.loads((place / _SMALL).read_text(encoding="utf-8"))
            return small, {name: open_packed(place / f"{name}.table") for name in names}
        except (OSError, ValueError) as failure:
            _log.warning("the voice's dictionaries stay in memory: %s", failure)
    small, tables = _read(_assets())
    return small, {name: PackedTable(pack(table)) for name, table in tables.items()}


def _read(assets: Path) -> tuple[dict[str, Any], dict[str, Mapping[str, Any]]]:
    """Return what is small enough for memory, and the tables."""
    gold, silver, tagger = (_json(assets / name) for name in (*_LEXICONS, _TAGGER))
    tables = {
        "gold": gold,
        "silver": silver,
        "words": tagger["tagdict"],
        "weights": tagger["weights"],
        "known": dict.fromkeys(tagger.get("vocab") or (), True),
    }
    return {"tags": tagger["tags"]}, tables


def _json(path: Path) -> Any:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return json.load(file)


def _assemble(small: Mapping[str, Any], tables: Mapping[str, PackedTable]) -> G2P:
    """Build the reader as its own constructor does, from the packed tables."""
    from hibari.g2p import G2P, Lexicon, Tagger, Tokenizer, _load_json

    tagger = Tagger.__new__(Tagger)
    tagger.tagdict, tagger.weights = tables["words"], tables["weights"]
    tagger.tags = small["tags"]
    tagger.vocab = tables["known"] if len(tables["known"]) else None
    reader = G2P.__new__(G2P)
    reader.lexicon = Lexicon(tables["gold"], tables["silver"], False)
    reader.tokenizer = Tokenizer(_load_json("tokenizer_exceptions.json"))
    reader.tagger = tagger
    reader.unk, reader.british, reader._oov = "", False, None
    return reader


def _assets() -> Path:
    from hibari.g2p import ASSETS

    return Path(ASSETS)


def _place(folder: Path, assets: Path) -> Path:
    """A folder of its own for every edition of the dictionaries."""
    sizes = [f"{name}:{(assets / name).stat().st_size}" for name in (*_LEXICONS, _TAGGER)]
    return folder / f"hibari-words-{hashlib.sha256(' '.join(sizes).encode()).hexdigest()[:12]}"
