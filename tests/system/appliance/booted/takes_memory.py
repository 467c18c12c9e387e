"""Takes memory, 50 MB at a time, and says how much it has; run inside a service's sandbox."""

from __future__ import annotations

STEP_MB, FAR_TOO_MUCH_MB = 50, 2000

if __name__ == "__main__":
    taken = []
    for megabytes in range(STEP_MB, FAR_TOO_MUCH_MB + 1, STEP_MB):
        # Not zeros alone: the kernel gives those away for nothing.
        taken.append(bytearray(b"\x01") * (STEP_MB * 1_000_000))
        print(f"took {megabytes} MB", flush=True)
