"""Networks written for other programs: ONNX files, modules of torch alone."""
