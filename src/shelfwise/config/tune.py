"""What `[encode.tune]` may say: how the text encoder learns from the shop's behaviour."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Method = Literal["frozen", "top-layers", "full", "lora", "adalora", "prefix"]

USUAL_LR: dict[Method, float] = {
    "frozen": 1e-3,
    "top-layers": 5e-5,
    "full": 3e-5,
    "lora": 3e-4,
    "adalora": 1e-3,
    "prefix": 3e-3,
}
"""Learning rates that are taken where the shop names none."""


class TuneSpec(BaseModel):
    """Contrastive tuning of the text encoder on the shop's own behaviour."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    use: bool = Field(
        default=False,
        description=(
            "Whether `train` and `evaluate` tune the encoder first, each on the past that it may know. Try it with "
            "`shelfwise tune`, which says what it brings here."
        ),
    )
    method: Method = Field(
        default="frozen",
        description=(
            "What may change: 'frozen' a linear head only, 'top-layers' the last layers, 'full' everything, 'lora', "
            "'adalora' and 'prefix' small additions."
        ),
    )
    epochs: float = Field(default=1.0, gt=0, le=100, description="Passes over the training pairs.")
    minutes: float = Field(
        default=15.0, gt=0, description="Time that tuning may take; the number of steps is cut to fit."
    )
    batch_texts: int = Field(
        default=128, ge=4, le=8_192, description="Texts encoded for one loss: more are harder to tell apart."
    )
    accumulate: int = Field(
        default=1, ge=1, le=256, description="Batches whose gradients are summed before the weights change."
    )
    lr: float | None = Field(
        default=None, gt=0, le=1, description="Highest learning rate; by default one that suits the method."
    )
    schedule: Literal["cosine", "linear"] = Field(
        default="cosine", description="How the learning rate falls after the warm-up."
    )
    warmup: float = Field(default=0.1, ge=0, lt=1, description="Share of the steps in which the learning rate rises.")
    weight_decay: float = Field(
        default=0.01, ge=0, le=1, description="Pull of weight matrices towards 0; biases and norms are left alone."
    )
    dropout: float = Field(default=0.1, ge=0, lt=1, description="Share of activations dropped while training.")
    clip: float = Field(default=1.0, gt=0, description="Longest gradient; longer ones are shortened to it.")
    temperature: float = Field(
        default=0.05, gt=0, le=10, description="Divides similarities: lower looks at the hardest negatives only."
    )
    symmetric: bool = Field(default=True, description="Whether the chosen item must also find what led to it.")
    rank: int = Field(default=16, ge=1, le=512, description="Rank of LoRA's additions; AdaLoRA ends at it.")
    top_layers: int = Field(default=2, ge=1, le=200, description="Layers that 'top-layers' trains.")
    prefix_tokens: int = Field(default=16, ge=1, le=512, description="Length of the prefix that 'prefix' learns.")
    max_tokens: int = Field(default=64, ge=8, le=8_192, description="Longer texts are cut while training.")
    window: int = Field(
        default=3, ge=1, le=50, description="Events apart that two items may be to make a pair; nearer counts more."
    )
    history: int = Field(default=5, ge=1, le=50, description="Latest items that a history text names.")
    history_share: float = Field(
        default=0.1, ge=0, le=1, description="Share of the events that also become a pair of history text and item."
    )
    hard_negatives: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of a batch's items that bring another along: near in text, never chosen with it.",
    )
    max_pairs: int = Field(default=500_000, ge=1, description="Pairs drawn at most, the heavier the likelier.")
    cold_share: float = Field(
        default=0.1,
        ge=0,
        le=0.5,
        description="Share of the items that tuning never sees, so that its effect on new items can be measured.",
    )
    n_questions: int = Field(
        default=2_000, ge=20, description="Users whose next choice is held out to stop by and to measure on."
    )
    pool: int = Field(default=4_000, ge=50, description="Items that are ranked when deciding when to stop.")
    n_checks: int = Field(default=8, ge=1, le=1_000, description="Times that the held-out choices are asked.")
    patience: int = Field(default=3, ge=1, description="Checks without progress after which tuning stops.")
    precision: Literal["bf16", "fp32"] = Field(
        default="bf16", description="Numbers of the forward pass; weights and loss are always fp32."
    )
    gradient_checkpointing: bool = Field(
        default=False, description="Compute activations twice instead of keeping them: less memory, a third slower."
    )
    renew_d: float = Field(
        default=30.0,
        ge=0,
        description=(
            "Days for which a tuned encoder is taken over by later trainings; never by one that asks about anything "
            "it was tuned on. Without a clock every change of the log tunes anew."
        ),
    )
    seed: int = Field(default=0, ge=0, description="Seed of everything drawn at random.")

    @property
    def peak_lr(self) -> float:
        """The learning rate after the warm-up."""
        return USUAL_LR[self.method] if self.lr is None else self.lr
