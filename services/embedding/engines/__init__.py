"""The ladder: `native` in C, `onnx` through onnxruntime, `numpy` as the reference, and `lexical`, which is built in and
knows no meaning; `gguf` for models of llama.cpp.
"""
