"""Names of files and classes: their natural order, their extension, and what counts as hidden."""

import re

_DIGITS = re.compile(r"([0-9]+)")
_CLUTTER = frozenset(
    {"thumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin", "#recycle", "system volume information"}
)
_OTHERS = (
    ".txt .md .rst .pdf .doc .docx .odt .rtf .csv .tsv .xls .xlsx .ods .json .jsonl .ndjson .xml .yaml .yml .toml .ini "
    ".cfg .conf .log .html .htm .css .js .py .ipynb .sh .bat .m .r .c .h .cpp .java .db .sqlite .pkl .pickle .npy .npz "
    ".mat .h5 .hdf5 .parquet .pq .feather .arrow .tfrecord .tfrecords .record .lmdb .mdb .pt .pth .ckpt .onnx "
    ".safetensors .zip .gz .tgz .tar .bz2 .xz .7z .rar .mp4 .mov .avi .mkv .webm .m4v .mpg .mpeg .wmv .mp3 .wav .flac "
    ".ogg .m4a .aac .exe .dll .so .iso .lnk .url .bak .md5 .sha1 .sha256 .aae .thm .xmp .pp3 .cache .lock "
    ".aux .ovr .meta .info .geojson .kml .jgw .tfw .pgw .prj"
)
_OTHER = frozenset(_OTHERS.split())
"""Extensions of files that are no images: not opened."""


def natural_key(name: str) -> tuple[list[str | int], str]:
    """Return a sorting key by which numbers inside names count as numbers; stable for all names.

    Examples:
        >>> sorted(["10", "9", "img2", "img10", "img1"], key=natural_key)
        ['9', '10', 'img1', 'img2', 'img10']
    """
    parts: list[str | int] = list(_DIGITS.split(name))  # text, digits, text, …: each meets only its own kind
    parts[1::2] = map(int, parts[1::2])
    return parts, name


def extension(name: str) -> str:
    """Return the extension in lower case with its dot, "" where there is none; faster than ``os.path.splitext``.

    Examples:
        >>> [extension(name) for name in ("cat.JPG", "cat", ".hidden", "a.tar.gz")]
        ['.jpg', '', '', '.gz']
    """
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""


def is_clutter(name: str) -> bool:
    """Return whether a file or folder is hidden or left behind by an operating system.

    Examples:
        >>> [is_clutter(name) for name in (".DS_Store", "Thumbs.db", "cat.jpg")]
        [True, True, False]
    """
    return name.startswith(".") or name.lower() in _CLUTTER


def is_other(name: str) -> bool:
    """Return whether a file has the extension of a known kind that is no image, such as a text or a video.

    Examples:
        >>> [is_other(name) for name in ("notes.txt", "cat.jpg", "cat.heic", "cat")]
        [True, False, False, False]
    """
    return extension(name) in _OTHER
