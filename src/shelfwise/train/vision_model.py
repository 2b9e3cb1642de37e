"""A transformers vision model that makes one vector of a picture. Needs torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoImageProcessor, AutoModel

from shelfwise.errors import ConfigError
from shelfwise.schemas.ids import Floats


class VisionModel(nn.Module):
    """The vision half of a CLIP or SigLIP, or a model that only sees; its answer has length 1."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self._is_dual = hasattr(model, "get_image_features")

    def forward(self, pixel_values: Tensor) -> Tensor:
        """Prepared pictures `(B, 3, height, width)` to vectors `(B, D)`."""
        if self._is_dual:
            found: Any = self.model.get_image_features(pixel_values=pixel_values)
        else:
            found = self.model(pixel_values=pixel_values)
        if not isinstance(found, Tensor):
            pooled = getattr(found, "image_embeds", None)
            pooled = getattr(found, "pooler_output", None) if pooled is None else pooled
            found = found.last_hidden_state[:, 0] if pooled is None else pooled
        return nn.functional.normalize(found.flatten(1), dim=1)

    def vectors(self, pixels: Floats) -> Floats:
        """The same for arrays."""
        with torch.no_grad():
            return self(torch.from_numpy(pixels)).numpy()

    @property
    def n_bytes(self) -> int:
        """Of the weights that take part."""
        parts = self.model.vision_model if hasattr(self.model, "vision_model") else self.model
        return sum(tensor.nbytes for tensor in parts.state_dict().values())


def load_vision(folder: Path) -> tuple[VisionModel, Any]:
    """A vision model in eval mode and full precision, and what prepares its pictures.

    Raises:
        ConfigError: the folder holds none that transformers can load.
    """
    try:
        processor = AutoImageProcessor.from_pretrained(folder, local_files_only=True)
        model = AutoModel.from_pretrained(
            folder, attn_implementation="eager", dtype=torch.float32, local_files_only=True
        )
    except (OSError, ValueError, KeyError, AttributeError, ImportError) as cause:
        raise ConfigError(
            f"{folder} holds no vision model that transformers can load ({str(cause).splitlines()[0][:200]})",
            expected="config.json, preprocessor_config.json and weights of a CLIP or SigLIP",
            where="encode.image.model",
            code="unsupported_model",
        ) from cause
    return VisionModel(model).eval(), processor
