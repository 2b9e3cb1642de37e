"""Vectors of items that come or change while serving."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from shelfwise.encode.passage import passage
from shelfwise.encode.pictures.encoder import Pixels
from shelfwise.encode.pictures.files import PictureFiles
from shelfwise.encode.pictures.problems import NoPictureError
from shelfwise.encode.whitening import Whitening
from shelfwise.errors import MissingExtraError, ServiceError
from shelfwise.pipeline.model import Model
from shelfwise.schemas.ids import Floats
from shelfwise.schemas.items import Item

log = logging.getLogger("shelfwise.pipeline")


class ContentVectors(NamedTuple):
    """What an item is, as vectors in the spaces of one model version.

    Attributes:
        text: Whitened, of length 1, 0 where the item has none; shape `(D_text,)`; None where the shop encodes no text,
            or could not now: then whatever was known stays.
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

        A text that is gone, and a picture that is gone or cannot be read, are vectors of 0, as a training takes them:
        the item can still be found by everything else. What cannot be told now, since a service is down, is None.
        """
        return [
            ContentVectors(text, picture)
            for text, picture in zip(self._texts(items), self._pictures(items), strict=True)
        ]

    def _texts(self, items: Sequence[Item]) -> list[Floats | None]:
        texts = [passage(item) for item in items]
        encoder, whitening = self._model.encoder, self._model.whitening
        if encoder is None or whitening is None:
            return [None] * len(items)
        found: list[Floats | None] = [_nothing(whitening)] * len(items)
        told = [place for place, text in enumerate(texts) if text]
        if told:
            try:
                vectors = whitening(encoder.encode([texts[place] for place in told]))
            except ServiceError as error:
                log.warning("%d item(s) taken up without text vectors: %s", len(told), error)
                vectors = [None] * len(told)
            for place, vector in zip(told, vectors, strict=True):
                found[place] = vector
        return found

    def _pictures(self, items: Sequence[Item]) -> list[Floats | None]:
        encoder, mapped = self._model.picture_encoder, self._model.picture_map
        if encoder is None or mapped is None:
            return [None] * len(items)
        found: list[Floats | None] = [_nothing(mapped)] * len(items)
        opened: dict[int, Pixels] = {}
        for place, item in enumerate(items):
            if item.image:
                try:
                    opened[place] = self._opened(item.image)
                except NoPictureError as error:
                    log.warning("item %r taken up without a picture (%r): %s", item.item_id, item.image[:200], error)
                except MissingExtraError as error:
                    log.warning("%d item(s) taken up without pictures: %s", len(items), error)
                    return [None if item.image else nothing for item, nothing in zip(items, found, strict=True)]
        if opened:
            for place, vector in zip(opened, mapped(encoder.encode(list(opened.values()))), strict=True):
                found[place] = vector
        return found

    def _opened(self, image: str) -> Pixels:
        from shelfwise.encode.pictures.decode import decode

        return decode(self._files.read(image))


def _nothing(space: Whitening) -> Floats:
    """The vector of an item that has no text, or no picture, in a space."""
    return np.zeros(space.directions.shape[1], np.float32)
