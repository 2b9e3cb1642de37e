"""What may be set of the ranking network and its training; free of torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from shelfwise.neural.exposure_options import ExposureOptions


class RankingOptions(ExposureOptions):
    """Options of `[rank]` with `use = "multi-objective"`."""

    experts: Literal["ple", "mmoe", "shared"] = Field(
        default="ple",
        description=(
            "'ple': experts that all objectives share and experts of each; 'mmoe': shared ones only, mixed by each "
            "objective; 'shared': one for all."
        ),
    )
    n_shared: int = Field(default=2, ge=1, le=16, description="Experts that all objectives share.")
    n_own: int = Field(default=1, ge=1, le=8, description="Experts of each objective, with experts = 'ple'.")
    width: int = Field(default=64, ge=4, le=1_024, description="Hidden units of an expert; it answers with half.")
    attention_dim: int = Field(default=32, ge=4, le=256, description="Width of the attention to the user's history.")
    history: int = Field(default=20, ge=1, le=200, description="Latest events that the attention looks at.")
    feature_steps: bool = Field(
        default=False,
        description=(
            "Whether a feature is told as sixteen steps between its quantiles, and not as one number: finer, at more "
            "weights to learn; meant for tables of few features that matter much."
        ),
    )
    same_item: bool = Field(
        default=False,
        description=(
            "Whether the network reads from the history what was done with this very candidate: kinds, ages, order. "
            "For shops whose items have no texts, and whose people come back to what they looked at."
        ),
    )
    beside_touched: list[str] = Field(
        default_factory=list[str],
        description=(
            "Features by which a candidate is compared with those of its request that the user has turned to already, "
            "as 'price_above_list': from the latest of them, from their mean, lowest, highest and nearest; with how "
            "many they are and when that was. None: nothing is compared. Meant for shops that log the lists they show."
        ),
    )
    list_context: Literal["none", "mean", "attention"] = Field(
        default="none",
        description=(
            "What a candidate is told of the others of its request: nothing; how it differs from their mean; or what a "
            "layer of attention finds among them. Meant for shops that log the lists they show."
        ),
    )
    list_dim: int = Field(
        default=32, ge=4, le=256, multiple_of=4, description="Width of the attention, with list_context = 'attention'."
    )
    list_loss: float = Field(
        default=0.0,
        ge=0,
        le=100,
        description=(
            "Weight of a further loss, of the first objectives only: of a softmax over the candidates of a request, "
            "which tells that what happened there happened to the right one. 0 leaves it out."
        ),
    )
    dropout: float = Field(default=0.2, ge=0, lt=1, description="Share of hidden units left out at each step.")
    balance: Literal["fixed", "uncertainty", "upgrad", "mgda", "pcgrad", "nash"] = Field(
        default="fixed",
        description=(
            "How the objectives' losses become one step: 'fixed' adds them by `loss_weights`; 'uncertainty' learns the "
            "weights; the others combine the gradients so that no objective pays for another."
        ),
    )
    loss_weights: dict[str, float] = Field(
        default_factory=dict[str, float],
        description="Weight of each objective's loss, with balance = 'fixed'; 1 where none is named.",
    )
    epochs: int = Field(default=4, ge=1, le=200, description="Passes over the requests.")
    requests_per_step: int = Field(default=64, ge=1, le=10_000, description="Requests of a step.")
    rate: float = Field(default=2e-3, gt=0, le=1, description="Highest learning rate: it rises to it and falls to 0.")
    weight_decay: float = Field(default=1e-2, ge=0, le=1, description="Of AdamW.")
    n_networks: int = Field(
        default=1, ge=1, le=10, description="Networks fitted from different seeds, whose predictions are averaged."
    )
    n_trees: int = Field(
        default=0,
        ge=0,
        le=2_000,
        description=(
            "Gradient-boosted trees of each objective that stand beside the networks and count as one more of them; 0: "
            "none. A call takes longer by what they take."
        ),
    )
