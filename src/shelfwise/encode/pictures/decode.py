"""From a picture file's bytes to pixels. The only file that needs Pillow to open anything."""

from __future__ import annotations

import io
import warnings

import numpy as np

from shelfwise.encode.pictures.encoder import Pixels
from shelfwise.encode.pictures.problems import NoPictureError, PictureProblem
from shelfwise.errors import MissingExtraError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
"""What is opened: the formats of the web. Others would let a file choose among decoders that nobody needs here."""

LONGEST = 768
"""Pixels of a decoded picture's longer side at most: no encoder looks closer."""

MAX_PIXELS = 100_000_000
"""Pictures with more pixels than these are refused: a small file may unpack to gigabytes."""


def decode(content: bytes) -> Pixels:
    """The picture as people see it: turned as its camera says, transparency on white, the first frame.

    Args:
        content: A whole file.

    Returns:
        At most `LONGEST` pixels wide and high, in proportion.

    Raises:
        NoPictureError: it is no picture in one of `FORMATS`, is cut off, or has more than `MAX_PIXELS`.
        MissingExtraError: Pillow is not installed.
    """
    try:
        from PIL import Image, ImageOps
    except ImportError as cause:
        raise MissingExtraError(
            "Pillow is not installed", where="encode.image", hint="pip install 'shelfwise[pictures]'"
        ) from cause
    if not content:
        raise _unreadable("the file is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large pictures: `MAX_PIXELS` decides
            picture = Image.open(io.BytesIO(content), formats=FORMATS)
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise _unreadable(f"{width} × {height} pixels are more than {MAX_PIXELS:,}")
            picture.draft("RGB", (LONGEST, LONGEST))  # a JPEG is unpacked at a fraction of its size
            turned = ImageOps.exif_transpose(picture)
            if turned.mode == "P" or "transparency" in turned.info or turned.mode in ("LA", "PA", "La", "RGBa"):
                turned = turned.convert("RGBA")
            if turned.mode == "RGBA":
                turned = Image.alpha_composite(Image.new("RGBA", turned.size, "white"), turned)
            if turned.mode.startswith("I") or turned.mode == "F":  # 16 bits a channel: keep the upper eight
                levels = np.asarray(turned, np.float64) / 257
                turned = Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))
            flat = turned.convert("RGB")
            flat.thumbnail((LONGEST, LONGEST), Image.Resampling.BOX, reducing_gap=None)
            return np.asarray(flat, np.uint8)
    except (NoPictureError, MemoryError):
        raise
    except Exception as cause:  # decoders raise whatever a broken file leads them to
        raise _unreadable(_why(cause)) from cause


def _unreadable(why: str) -> NoPictureError:
    return NoPictureError(PictureProblem.UNREADABLE, why)


def _why(cause: Exception) -> str:
    words = str(cause).split("\n")[0].strip()
    if type(cause).__name__ == "UnidentifiedImageError":
        return f"no picture in one of the formats {', '.join(FORMATS)}"
    return f"{type(cause).__name__}: {words[:120]}" if words else type(cause).__name__
