"""Bittern: a voice appliance for the Raspberry Pi.

See ``docs/architecture.md`` for the rooms of this package and the rules of each.
"""

import os

__version__ = "0.1.0"

# ONNX Runtime (seen with 1.32.0 on Linux) reports to its makers over the internet unless this
# is set before it is imported: it asks for the address of mobile.events.data.microsoft.com
# nine seconds after the first session. Nothing leaves this device that nobody asked for.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
