"""Making wake words: examples from recordings, small networks in numpy, ONNX with a card."""
