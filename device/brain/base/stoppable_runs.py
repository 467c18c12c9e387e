"""onnxruntime sessions that keep to their thread, and runs of them that can be stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from device.brain.base.abilities import Cancellation, CancelledWorkError


def quiet_session(path: Path, threads: int = 1) -> Any:
    """Open an ONNX model for threads that do not spin.

    Without the arena: what the longest sound needed is given back after it. Raises
    `OSError` when the model is not there or not usable.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as failure:
        # onnxruntime's exceptions share no base class but Exception.
        raise OSError(f"{path} is no usable model: {str(failure).splitlines()[0]}") from failure


@contextmanager
def stoppable(cancellation: Cancellation) -> Iterator[Any]:
    """Give the options for runs that end between two nodes when the work is cancelled.

    Raises `CancelledWorkError` where a run was ended; other errors pass.
    """
    import onnxruntime

    cancellation.check()
    options = onnxruntime.RunOptions()

    def stop() -> None:
        options.terminate = True

    try:
        with cancellation.stopping(stop):
            yield options
    except CancelledWorkError:
        raise
    except Exception:
        # onnxruntime says with an error of its own that a run was ended.
        cancellation.check()
        raise
