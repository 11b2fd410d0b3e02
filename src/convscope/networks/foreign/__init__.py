"""Networks of others as models: from ONNX files and modules, with what they need of an image."""
