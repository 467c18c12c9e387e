"""The manners of other people's gateways, as parts of a script.

``speaches`` from its session_event_router.py (9aca787, read 2026-12-01): the fields that it
cannot set get an error without a code each, and session.updated follows all the same; and from
its types/realtime.py: a null for the transcription is an invalid event, whatever it was for.
``azure`` and ``azure_preview`` from Microsoft's pages on the Realtime API (read 2026-11-22).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

GATEWAYS: Mapping[str, dict[str, Any]] = {
    "speaches": {
        "server": {
            "dialect": "beta",
            "strict": False,
            "refuse_nulls": ["session.input_audio_transcription"],
            "advises_against": [
                "session.input_audio_format",
                "session.output_audio_format",
                "session.turn_detection.prefix_padding_ms",
            ],
        }
    },
    "forbidden_without_beta": {
        "server": {"dialect": "beta", "needs_beta_header": True, "beta_header_status": 403}
    },
    "azure": {
        "server": {
            "paths": ["/openai/v1/realtime"],
            "needs_query": ["model"],
            "key": "azure-key",
            "key_header": "api-key",
        }
    },
    "azure_preview": {
        "server": {
            "dialect": "beta",
            "paths": ["/openai/realtime"],
            "needs_query": ["api-version", "deployment"],
            "key": "azure-key",
            "key_header": "api-key",
        }
    },
    "below_api": {"server": {"paths": ["/api/v1/realtime"]}},
    "at_the_root": {"server": {"paths": ["/"]}},
    "below_a_path": {"server": {"paths": ["/llm/v1/realtime"]}},
    "beta_below_a_path": {
        "server": {
            "paths": ["/llm/v1/realtime"],
            "dialect": "beta",
            "needs_beta_header": True,
            "beta_header_status": 403,
        }
    },
    "greets_late": {"server": {"greets_late": True}},
    "greets_late_in_beta": {"server": {"greets_late": True, "dialect": "beta", "strict": False}},
    "no_money": {
        "faults": [
            {
                "kind": "status",
                "at": "upgrade",
                "status": 403,
                "error_code": "insufficient_user_quota",
            }
        ]
    },
    "web_page": {"faults": [{"kind": "status", "at": "upgrade", "status": 200}]},
}
"""Name of a gateway's manner -> what a script says to behave like it."""
