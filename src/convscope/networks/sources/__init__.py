"""Where graphs come from: modules of torch and ONNX files, read through one builder and tidied by the same passes."""
