"""Listening for the wake word: features, ONNX models, thresholds and their evaluation."""
