"""What a file that is no model seems to be, from its first bytes."""

_SIGNATURES = (
    (b"\x89HDF\r\n", "an HDF5 file, as Keras writes it"),
    (b"PK\x03\x04", "a zip archive, as PyTorch (.pt) and Keras (.keras) write it"),
    (b"\x80\x02", "a Python pickle, which could run any program"),
    (b"\x80\x03", "a Python pickle, which could run any program"),
    (b"\x80\x04", "a Python pickle, which could run any program"),
    (b"\x80\x05", "a Python pickle, which could run any program"),
    (b"\x1f\x8b", "gzip-compressed data"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "a WebP image or a sound"),
    (b"GGUF", "a GGUF model"),
    (b"%PDF", "a PDF document"),
    (b"version https://git-lfs", "the pointer that Git LFS leaves where the real file was not fetched"),
)


def describe(start: bytes) -> str:
    """Return what begins with the bytes `start`, which is no tensor file.

    Examples:
        >>> describe(b"GIF89a")
        'it is a GIF image'
        >>> describe(b"hello")
        'it does not begin like a safetensors file'
    """
    for signature, what in _SIGNATURES:
        if start.startswith(signature):
            return f"it is {what}"
    return "it does not begin like a safetensors file"
