"""Choose the products of the fashion demo shop and pack their pictures; run once, the result is part of the package.

    python scripts/fashion_shop.py FOLDER      # with styles_15000.csv and images_60x80.zip

The same folder gives the same bytes: the draw has a fixed seed, and the archive carries no times.
"""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

N_PRODUCTS = 3_000
SEED = 7
WIDTH_PX, HEIGHT_PX = 180, 240
"""Three times the original, so that a browser's own enlargement adds no blocks."""
WEBP_QUALITY = 50
LEFT_OUT = ("Free Items", "Sporting Goods", "Home")
"""Departments of a handful of products each."""
LEFT_OUT_BELOW = ("Innerwear", "Loungewear and Nightwear")
FEWEST_OF_A_TYPE = 4
"""A type of fewer products makes an empty page."""

TARGET = Path(__file__).parents[1] / "src" / "shelfwise" / "cli" / "fashion_shop"


def chosen(styles: pl.DataFrame, seed: int = SEED) -> pl.DataFrame:
    """`N_PRODUCTS` products, spread over types, then over genders and colours within each type.

    A type gets a share that grows with the square root of its number of products, so that T-shirts, one in six of the
    original, leave room for dresses and scarves.
    """
    draw = np.random.default_rng(seed)
    rest = (
        styles.filter(
            ~pl.col("masterCategory").is_in(LEFT_OUT),
            ~pl.col("subCategory").is_in(LEFT_OUT_BELOW),
            pl.col("productDisplayName").is_not_null() & pl.col("baseColour").is_not_null(),
        )
        .unique("productDisplayName", keep="first", maintain_order=True)
        .filter(pl.len().over("articleType") >= FEWEST_OF_A_TYPE)
    )
    rest = rest.with_columns(pl.Series("drawn", draw.random(len(rest))))
    # Round after round, one product of each colour and gender within its type.
    spread = rest.sort("drawn").with_columns(
        pl.col("drawn").rank("ordinal").over("articleType", "gender", "baseColour").alias("round")
    )
    spread = spread.sort("round", "drawn").with_columns(pl.int_range(pl.len()).over("articleType").alias("place"))
    share = spread.with_columns(pl.len().over("articleType").sqrt().alias("weight"))
    # The product at place p of a type is due at p / weight: the earliest due are taken.
    return share.sort(pl.col("place") / pl.col("weight"), "drawn").head(N_PRODUCTS).sort("drawn")


def products(styles: pl.DataFrame) -> pl.DataFrame:
    """The catalogue's file, as a shop would have it."""
    levels = [pl.col("masterCategory"), pl.col("subCategory"), pl.col("articleType")]
    repeated = pl.col("articleType") == pl.col("subCategory")
    return styles.select(
        item_id=pl.col("id"),
        title=pl.col("productDisplayName").str.strip_chars(),
        category=pl.when(repeated)
        .then(pl.concat_str(levels[:2], separator=" > "))
        .otherwise(pl.concat_str(levels, separator=" > ")),
        image=pl.col("id") + ".webp",
        gender=pl.col("gender"),
        colour=pl.col("baseColour"),
        season=pl.col("season"),
        usage=pl.col("usage"),
    )


def enlarged(jpeg: bytes) -> bytes:
    """A picture three times as wide, as WebP."""
    with Image.open(io.BytesIO(jpeg)) as original:
        large = original.convert("RGB").resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.LANCZOS)
    packed = io.BytesIO()
    large.save(packed, "WEBP", quality=WEBP_QUALITY, method=6)
    return packed.getvalue()


def main(folder: Path) -> None:
    """Write the catalogue and the archive of pictures."""
    styles = chosen(pl.read_csv(folder / "styles_15000.csv", infer_schema_length=0))
    catalogue = products(styles)
    catalogue.write_csv(TARGET / "products.csv")
    with (
        zipfile.ZipFile(folder / "images_60x80.zip") as originals,
        zipfile.ZipFile(TARGET / "pictures.zip", "w", zipfile.ZIP_STORED) as archive,
    ):
        for item_id in catalogue["item_id"]:
            archive.writestr(zipfile.ZipInfo(f"{item_id}.webp"), enlarged(originals.read(f"{item_id}.jpg")))
    size = (TARGET / "pictures.zip").stat().st_size
    sys.stdout.write(f"{len(catalogue)} products, {size / 1e6:.2f} MB of pictures\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
