"""Broken and odd image files, made from good ones: cut, flipped, wrongly headed, huge by declaration, oddly named.

Run it to look at them: ``python -m tests.images.broken_files FOLDER``.
"""

import io
import os
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import PIL
from PIL import Image

HEIGHT, WIDTH = 24, 36


def sample(height: int = HEIGHT, width: int = WIDTH, seed: int = 0) -> np.ndarray:
    """Return a smooth RGB image whose four corners differ."""
    rows, columns = np.mgrid[0:height, 0:width]
    red, green = rows * 255 / max(1, height - 1), columns * 255 / max(1, width - 1)
    noise = np.random.default_rng(seed).integers(0, 20, (height, width))
    return np.stack([red, green, 120 + noise], axis=2).astype(np.uint8)


def encoded(image: Image.Image | np.ndarray, kind: str, **options: object) -> bytes:
    """Return the bytes of an image file."""
    stream = io.BytesIO()
    copied = image.copy() if isinstance(image, Image.Image) else Image.fromarray(image)  # saving leaves traces in it
    copied.save(stream, kind, **options)
    return stream.getvalue()


def good_files() -> dict[str, bytes]:
    """Return one good file of each format."""
    rgb = Image.fromarray(sample())
    return {
        "good.jpg": encoded(rgb, "JPEG", quality=90),
        "progressive.jpg": encoded(rgb, "JPEG", quality=90, progressive=True),
        "good.png": encoded(rgb, "PNG"),
        "good.webp": encoded(rgb, "WEBP", lossless=True),
        "lossy.webp": encoded(rgb, "WEBP"),
        "good.tif": encoded(rgb, "TIFF"),
        "deflated.tif": encoded(rgb, "TIFF", compression="tiff_deflate"),
        "good.bmp": encoded(rgb, "BMP"),
        "good.gif": encoded(rgb, "GIF"),
        "good.ppm": encoded(rgb, "PPM"),
    }


def cut_files() -> dict[str, bytes]:
    """Return every good file cut at six lengths."""
    shares = (0.02, 0.1, 0.3, 0.5, 0.8, 0.97)
    return {
        f"cut{share}-{name}": data[: max(1, int(len(data) * share))]
        for name, data in good_files().items()
        for share in shares
    }


def flipped_files(count: int = 6) -> dict[str, bytes]:
    """Return every good file with 1 to 8 bits flipped, `count` times each."""
    found = {}
    for name, data in good_files().items():
        for seed in range(count):
            random = np.random.default_rng([seed, len(data)])
            changed = bytearray(data)
            for place in random.integers(0, len(data), int(random.integers(1, 9))):
                changed[place] ^= 1 << int(random.integers(0, 8))
            found[f"flip{seed}-{name}"] = bytes(changed)
    return found


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """Return one PNG chunk with its right checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def huge_files() -> dict[str, bytes]:
    """Return small files whose headers declare far more pixels than anyone wants."""
    side = 60_000
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    png = b"\x89PNG\r\n\x1a\n" + head + png_chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + png_chunk(b"IEND", b"")
    good = good_files()
    jpeg = bytearray(good["good.jpg"])
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", side, side)
    gif = bytearray(good["good.gif"])
    gif[6:10] = struct.pack("<HH", side, side)
    bmp = bytearray(good["good.bmp"])
    bmp[18:26] = struct.pack("<ii", side, side)
    webp = bytearray(encoded(Image.fromarray(sample()).convert("RGBA"), "WEBP", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0"))
    webp[24:30] = (16382).to_bytes(3, "little") * 2
    tiff = bytearray(good["good.tif"])
    tags = struct.unpack_from("<I", tiff, 4)[0]
    for entry in range(struct.unpack_from("<H", tiff, tags)[0]):
        at = tags + 2 + 12 * entry
        if struct.unpack_from("<H", tiff, at)[0] in (256, 257):
            tiff[at : at + 12] = tiff[at : at + 2] + struct.pack("<HII", 4, 1, side)
    return {
        "huge.png": png,
        "huge.jpg": bytes(jpeg),
        "huge.gif": bytes(gif),
        "huge.bmp": bytes(bmp),
        "huge.webp": bytes(webp),
        "huge.tif": bytes(tiff),
        "huge.ppm": f"P6 {side} {side} 255 ".encode() + b"\0" * 99,
        "endless.pgm": b"P5 " + b"9" * 4000 + b" 9 255 ",
    }


def wrong_files() -> dict[str, bytes]:
    """Return files that are no images, or say that they are something else."""
    good = good_files()
    png = bytearray(good["good.png"])
    return {
        "empty.jpg": b"",
        "one-byte.jpg": b"\xff",
        "text.jpg": b"This is not an image.\n" * 9,
        "page.jpg": b"<!DOCTYPE html><html><body>404</body></html>",
        "drawing.png": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "document.png": b"%PDF-1.7\n%broken",
        "script.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "archive.jpg": b"PK\x03\x04" + b"\0" * 40,
        "phone.jpg": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        "zeros.jpg": b"\0" * 500,
        "noise.jpg": np.random.default_rng(1).bytes(500),
        "head-only.png": bytes(png[:33]),
        "no-data.png": bytes(png[:33]) + png_chunk(b"IEND", b""),
        "zero-width.png": bytes(png[:8]) + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 0, 9, 8, 2, 0, 0, 0)),
        "bad-depth.png": bytes(png[:8]) + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 77, 2, 0, 0, 0)),
        "bad-checksum.png": bytes(png[:29]) + b"\0\0\0\0" + bytes(png[33:]),
        "zero-size.bmp": good["good.bmp"][:18] + bytes(8) + good["good.bmp"][26:],
        "negative.bmp": good["good.bmp"][:18] + struct.pack("<ii", -9, -9) + good["good.bmp"][26:],
        "zero.ppm": b"P6 0 0 255 ",
        "words.ppm": b"P6 wide high 255 ",
        "png-as.jpg": good["good.png"],
        "jpeg-as.png": good["good.jpg"],
        "loop.tif": b"II*\0\x08\0\0\0" + b"\0\0" + b"\x08\0\0\0",
        "junk-behind.jpg": good["good.jpg"] + b"junk" * 100,
        "twice.jpg": good["good.jpg"] * 2,
        "bad-exif.jpg": encoded(sample(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff" + b"\x12\x01" * 30),
        "exif-999.jpg": encoded(sample(), "JPEG", exif=orientation(999)),
        "bomb-text.png": bytes(png[:33])
        + png_chunk(b"zTXt", b"a\0\0" + zlib.compress(b"x" * (1 << 25)))
        + bytes(png[33:]),
    }


def orientation(value: int) -> bytes:
    """Return EXIF bytes with one orientation."""
    exif = Image.Exif()
    exif[0x0112] = value
    return exif.tobytes()


def ycbcr_files() -> dict[str, bytes]:
    """Return a TIFF of YCbCr; none where Pillow does not read what it writes itself (before 13)."""
    if int(PIL.__version__.split(".")[0]) < 13:
        return {}
    return {"ycbcr.tif": encoded(Image.fromarray(sample()).convert("YCbCr"), "TIFF")}


def odd_files() -> dict[str, bytes]:
    """Return files that are fine but in odd modes, animated, turned, tiny or of extreme shape."""
    rgb = Image.fromarray(sample())
    gray = rgb.convert("L")
    wide = Image.fromarray((sample()[:, :, 0].astype(np.uint16)) * 257)
    alpha = rgb.copy()
    alpha.putalpha(gray)
    floats = Image.fromarray(sample()[:, :, 0].astype(np.float32) / 255)
    found = {
        **ycbcr_files(),
        "gray.jpg": encoded(gray, "JPEG"),
        "cmyk.jpg": encoded(rgb.convert("CMYK"), "JPEG"),
        "cmyk.tif": encoded(rgb.convert("CMYK"), "TIFF"),
        "lab.tif": encoded(Image.new("LAB", (9, 9)), "TIFF"),
        "bits.png": encoded(gray.convert("1"), "PNG"),
        "bits.tif": encoded(gray.convert("1"), "TIFF", compression="group4"),
        "bits.pbm": encoded(gray.convert("1"), "PPM"),
        "wide.png": encoded(wide, "PNG"),
        "wide.tif": encoded(wide, "TIFF"),
        "wide.pgm": encoded(wide, "PPM"),
        "wider.tif": encoded(Image.fromarray(np.arange(864, dtype=np.int32).reshape(24, 36) * 10**6), "TIFF"),
        "float.tif": encoded(floats, "TIFF"),
        "nan.tif": encoded(Image.fromarray(np.full((9, 9), np.nan, np.float32)), "TIFF"),
        "palette.png": encoded(rgb.quantize(16), "PNG"),
        "palette-clear.png": encoded(rgb.quantize(16), "PNG", transparency=3),
        "palette-bytes.png": encoded(rgb.quantize(16), "PNG", transparency=bytes(range(16))),
        "gray-palette.png": encoded(gray.quantize(16), "PNG"),
        "gray-clear.png": encoded(gray, "PNG", transparency=gray.getpixel((5, 5))),
        "gray-alpha.png": encoded(alpha.convert("LA"), "PNG"),
        "alpha.png": encoded(alpha, "PNG"),
        "alpha.webp": encoded(alpha, "WEBP"),
        "opaque.png": encoded(rgb.convert("RGBA"), "PNG"),
        "animated.gif": encoded(rgb, "GIF", save_all=True, append_images=[gray.convert("RGB")] * 3),
        "animated.webp": encoded(rgb, "WEBP", save_all=True, append_images=[gray.convert("RGB")] * 3),
        "animated.png": encoded(rgb, "PNG", save_all=True, append_images=[gray.convert("RGB")] * 3),
        "pages.tif": encoded(rgb, "TIFF", save_all=True, append_images=[gray.copy()] * 3),
        "one-pixel.png": encoded(sample(1, 1), "PNG"),
        "ribbon.png": encoded(sample(1, 5000), "PNG"),
        "tower.jpg": encoded(sample(5000, 1), "JPEG"),
        "plain.ppm": b"P3 # a comment\n2 1\n255\n255 0 0  0 255 0\n",
    }
    found |= {f"turned{value}.jpg": encoded(rgb, "JPEG", exif=orientation(value)) for value in range(1, 9)}
    found |= {f"turned{value}.{kind}": encoded(rgb, name, exif=orientation(value))
              for value, kind, name in ((6, "png", "PNG"), (8, "webp", "WEBP"))}  # fmt: skip
    found["turned6.tif"] = encoded(rgb, "TIFF", tiffinfo={0x0112: 6})
    return found


def odd_names() -> list[bytes]:
    """Return names, relative, that file systems allow and programs trip over."""
    return [
        b"a name with spaces.png",
        b" leading.png",
        b"two\nlines.png",
        b"tab\there.png",
        b"quote'\".png",
        b"-dash.png",
        b"not-utf8-\xff\xfe.png",
        "umlaut-äöü-日本.png".encode(),
        b"UPPER.PNG",
        b"dots...png",
        b"%s{0}$HOME.png",
        b"back\\slash.png",
        b"n" * 251 + b".png",
        b"/".join([b"d" * 75] * 4) + b"/deep.png",
    ]


def broken_files() -> dict[str, bytes]:
    """Return all of them by name."""
    return good_files() | cut_files() | flipped_files() | huge_files() | wrong_files() | odd_files()


def write_all(folder: Path) -> list[Path]:
    """Write all of them into `folder`, the odd names too, and return their paths."""
    paths = []
    for name, data in broken_files().items():
        paths.append(folder / name)
        paths[-1].write_bytes(data)
    for name in odd_names():
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(good_files()["good.png"])
        paths.append(path)
    return paths


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    print(f"{len(write_all(target))} files in {target}")
