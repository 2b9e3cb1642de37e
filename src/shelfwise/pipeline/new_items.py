"""Vectors of items that come or change while serving."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from shelfwise.encode.passage import passage
from shelfwise.encode.pictures.encoder import Pixels
from shelfwise.encode.pictures.files import PictureFiles
from shelfwise.encode.pictures.problems import NoPictureError
from shelfwise.errors import MissingExtraError, ServiceError
from shelfwise.pipeline.model import Model
from shelfwise.schemas.ids import Floats
from shelfwise.schemas.items import Item

log = logging.getLogger("shelfwise.pipeline")


class ContentVectors(NamedTuple):
    """What an item is, as vectors in the spaces of one model version.

    Attributes:
        text: Whitened, of length 1; shape `(D_text,)`; None without text, or where the shop encodes none.
        picture: Likewise; shape `(D_picture,)`.
    """

    text: Floats | None = None
    picture: Floats | None = None


NO_VECTORS = ContentVectors()


class NewItems:
    """Encodes items by what a model version carries: the same encoders and maps that its own items went through."""

    def __init__(self, model: Model, shop: Path) -> None:
        """Encode for one model.

        Args:
            model: Its encoders are used; where it has none of a kind, that kind is left out.
            shop: The shop's folder, where its items' paths of pictures begin.
        """
        self._model = model
        self._files = PictureFiles(shop, model.config.encode.image_folder)

    def encode(self, items: Sequence[Item]) -> list[ContentVectors]:
        """Vectors of items, in order; in batches, which is much faster than one by one.

        An item whose text cannot be encoded now (a service is down), or whose picture cannot be read, is taken up
        without: it can still be found by everything else.
        """
        return [
            ContentVectors(text, picture)
            for text, picture in zip(self._texts(items), self._pictures(items), strict=True)
        ]

    def _texts(self, items: Sequence[Item]) -> list[Floats | None]:
        texts = [passage(item) for item in items]
        encoder, whitening = self._model.encoder, self._model.whitening
        if encoder is None or whitening is None or not any(texts):
            return [None] * len(items)
        try:
            vectors = whitening(encoder.encode(texts))
        except ServiceError as error:
            log.warning("%d item(s) taken up without text vectors: %s", len(items), error)
            return [None] * len(items)
        return [vector if text else None for text, vector in zip(texts, vectors, strict=True)]

    def _pictures(self, items: Sequence[Item]) -> list[Floats | None]:
        found: list[Floats | None] = [None] * len(items)
        encoder, mapped = self._model.picture_encoder, self._model.picture_map
        if encoder is None or mapped is None:
            return found
        opened: dict[int, Pixels] = {}
        for place, item in enumerate(items):
            if item.image:
                try:
                    opened[place] = self._opened(item.image)
                except NoPictureError as error:
                    log.warning("item %r taken up without a picture (%r): %s", item.item_id, item.image[:200], error)
                except MissingExtraError as error:
                    log.warning("%d item(s) taken up without pictures: %s", len(items), error)
                    return found
        if opened:
            for place, vector in zip(opened, mapped(encoder.encode(list(opened.values()))), strict=True):
                found[place] = vector
        return found

    def _opened(self, image: str) -> Pixels:
        from shelfwise.encode.pictures.decode import decode

        return decode(self._files.read(image))
