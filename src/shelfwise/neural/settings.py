"""What may be set of the networks and their training; free of torch."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from shelfwise.neural.exposure_options import ExposureOptions

OF_LEARNING = frozenset(
    {
        "device",
        "crop",
        "shuffle",
        "drop_events",
        "delta_dropout",
        "dropout",
        "tower_dropout",
        "events_per_step",
        "rate",
        "weight_decay",
        "average",
        "epochs",
        "epochs_on",
        "replay",
        "patience",
        "n_validation",
        "n_negatives",
        "full_up_to",
        "spread_items",
        "spread_names",
        "own_mix",
        "log_q",
        "propensity",
        "minutes",
        "checkpoints",
        "seed",
    }
)
"""Options that say how a network learns and not what it is: a training that goes on may have others."""

ItemSource = Literal["fused", "text", "raw-text", "ids"]


class NetworkOptions(ExposureOptions):
    """Options of every retriever that trains a network. What is left open follows from `preset`."""

    preset: Literal["auto", "cpu", "gpu"] = Field(
        default="auto",
        description="Sizes for two cores ('cpu') or for a GPU ('gpu'); 'auto' takes 'gpu' where torch finds one.",
    )
    device: str = Field(default="auto", description="Where to train: 'auto', 'cpu', or a name that torch knows.")
    item: ItemSource = Field(
        default="fused",
        description=(
            "What an item's vector is made of: text, picture, attributes and behaviour ('fused'), whitened text alone, "
            "the encoder's raw text alone, or a table of ids. Only 'ids' cannot place an item that nobody touched."
        ),
    )
    history: int = Field(default=50, ge=1, le=1_000, description="Latest events of a user that are read.")
    dim: int | None = Field(default=None, ge=2, le=4_096, description="Length of item and user vectors.")
    n_blocks: int | None = Field(default=None, ge=1, le=64, description="Transformer blocks.")
    n_heads: int | None = Field(default=None, ge=1, le=64, description="Attention heads; must divide `dim`.")
    block: Literal["gated", "plain"] = Field(
        default="gated", description="Residuals gated by their input (LiGR), or plain pre-norm ones."
    )
    positions: bool = Field(default=True, description="Whether an event is told its place in the history.")
    scenario: bool = Field(
        default=True,
        description="Whether an event is told in which scenario it happened; needs a log that names two at least.",
    )
    time_bias: bool = Field(
        default=True, description="Whether attention is told how long ago events were; needs real timestamps."
    )
    dropout: float | None = Field(default=None, ge=0, lt=1, description="Share of activations dropped in training.")
    tower_dropout: float = Field(
        default=0.1, ge=0, lt=1, description="Share of activations dropped on the way from text to item vector."
    )
    delta_bound: float = Field(
        default=1.0,
        ge=0,
        description="Longest an item's learned part may be, relative to the part that text and attributes give.",
    )
    delta_dropout: float = Field(
        default=0.3, ge=0, le=1, description="Share of items placed without their learned part at each step."
    )
    logit_scale: float = Field(default=16.0, gt=0, le=100, description="Cosines are multiplied by this before softmax.")
    learn_scale: bool = Field(default=False, description="Whether that factor is learned too.")
    full_up_to: int = Field(
        default=50_000, ge=1, description="Items up to which the softmax runs over all; above, over a sample."
    )
    n_negatives: int = Field(default=2_048, ge=1, description="Items drawn uniformly per step where it is sampled.")
    log_q: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description=(
            "Share of an item's popularity that the softmax is told, so that vectors need not learn it; nobody is told "
            "when serving: more shows the rare more often."
        ),
    )
    propensity: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Events weigh by this power of one over their item's popularity, ten times the mean at most.",
    )
    crop: float = Field(default=0.0, ge=0, le=1, description="Share of sequences cut to a random part, per epoch.")
    shuffle: float = Field(default=0.0, ge=0, le=1, description="Share of sequences with two neighbours swapped.")
    drop_events: float = Field(default=0.0, ge=0, lt=1, description="Share of events left out, per epoch.")
    events_per_step: int | None = Field(default=None, ge=16, description="Events of a training step.")
    rate: float | None = Field(default=None, gt=0, le=1, description="Highest learning rate.")
    weight_decay: float = Field(default=0.01, ge=0, description="Of AdamW; embeddings and norms are spared.")
    average: float = Field(
        default=0.999, ge=0, lt=1, description="Memory of the running average of the weights; 0: none is kept."
    )
    epochs: int | None = Field(default=None, ge=1, description="Passes over the log at most.")
    epochs_on: int = Field(
        default=3, ge=1, description="Passes where training goes on from a model of an earlier moment."
    )
    replay: float = Field(
        default=1.0, ge=0, description="Old sequences mixed in when going on, relative to those with new events."
    )
    patience: int = Field(
        default=6, ge=1, description="Epochs without a better NDCG on held-out events before it ends."
    )
    n_validation: int = Field(
        default=2_000, ge=0, description="Users at most whose last event is held out to stop in time; 0: none."
    )
    minutes: float = Field(default=30.0, gt=0, description="Training ends after this long, whatever was reached.")
    checkpoints: str | None = Field(
        default=None, description="Folder from which an interrupted training goes on; none is kept without it."
    )
    seed: int = Field(default=0, ge=0, description="Seed of everything drawn at random.")

    def resolved(self, *, has_gpu: bool) -> NetworkOptions:
        """The same with everything that was left open taken from the preset."""
        preset = ("gpu" if has_gpu else "cpu") if self.preset == "auto" else self.preset
        opened = {key: value for key, value in PRESETS[preset].items() if getattr(self, key) is None}
        return self.model_copy(update={"preset": preset, **opened})


PRESETS: dict[str, dict[str, Any]] = {
    # Three minutes of one core on Beauty; what was tried stands in docs/experiments.md.
    "cpu": {
        "dim": 64,
        "n_blocks": 2,
        "n_heads": 2,
        "dropout": 0.2,
        "events_per_step": 2_048,
        "rate": 2e-3,
        "epochs": 14,
    },
    # Mixed precision comes with it, and compiled kernels where steps are many. Sizes as in the literature. On Beauty
    # and games, trained once each, dropout 0.2 is 1.0 % of validation NDCG above 0.4, and rates 5e-4 and 2e-3 are
    # 0.1 % and 1.9 % below this one. Widths and depths were not compared: docs/experiments.md.
    "gpu": {
        "dim": 256,
        "n_blocks": 4,
        "n_heads": 4,
        "dropout": 0.2,
        "events_per_step": 16_384,
        "rate": 1e-3,
        "epochs": 40,
    },
}
