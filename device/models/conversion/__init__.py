"""From TFLite streaming wake models to ONNX ones, arithmetic kept to the integer."""
