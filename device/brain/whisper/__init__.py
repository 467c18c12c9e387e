"""Whisper in onnxruntime: the graphs are written at set-up, and every run can be stopped."""
