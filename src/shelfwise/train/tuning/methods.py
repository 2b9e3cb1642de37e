"""Six ways to tune an encoder: which weights may change. Needs torch, and PEFT for three of them."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from shelfwise.config.tune import TuneSpec
from shelfwise.errors import ConfigError, MissingExtraError
from shelfwise.train.pooled_encoder import Head, PooledEncoder

ADAPTER = "default"
ORTHOGONALITY = 0.1
"""Weight of AdaLoRA's pull towards orthogonal directions, without which cutting its ranks means little."""


def _nothing(_: int) -> None:
    """What most methods do after a step."""


def _no_penalty() -> Tensor:
    return torch.zeros(())


@dataclass
class Prepared:
    """An encoder of which only what the method allows will change.

    Attributes:
        encoder: Its `model` is PEFT's where the method is one of PEFT's.
        n_trainable: Parameters that change.
        n_parameters: All parameters.
        is_frozen: Whether the transformer itself stays as it is, so that its vectors may be kept.
        penalty: Added to every loss.
        plan: Told how many steps there will be, before any `after_step`.
        after_step: Told the number of the step, from 0, when weights have changed and gradients are still there.
        allocator: AdaLoRA's memory of which ranks matter, for checkpoints; None for other methods.
    """

    encoder: PooledEncoder
    n_trainable: int
    n_parameters: int
    is_frozen: bool = False
    penalty: Callable[[], Tensor] = _no_penalty
    plan: Callable[[int], None] = _nothing
    after_step: Callable[[int], None] = _nothing
    allocator: Any = None

    def trainable(self) -> dict[str, nn.Parameter]:
        """What changes, by name."""
        return {name: weight for name, weight in self.encoder.named_parameters() if weight.requires_grad}


def prepare(encoder: PooledEncoder, spec: TuneSpec) -> Prepared:
    """Make an encoder ready to be tuned.

    At step 0 it says what it said before, but for AdaLoRA and prefixes, which begin with small random additions.

    Raises:
        ConfigError: the method does not suit this model.
        MissingExtraError: PEFT is not installed.
    """
    torch.manual_seed(spec.seed)
    if len(encoder.heads) or encoder.prefix is not None:
        raise ConfigError(
            "the encoder has a head or prefix of its own, as a tuned one has",
            where="encode.text.model",
            hint="tune the model that it was made of",
        )
    for module in encoder.modules():
        if isinstance(module, nn.Dropout):
            module.p = spec.dropout
    for weight in encoder.parameters():
        weight.requires_grad_(False)
    make = {
        "frozen": _frozen,
        "top-layers": _top_layers,
        "full": _full,
        "lora": _lora,
        "adalora": _adalora,
        "prefix": _prefix,
    }[spec.method]
    with warnings.catch_warnings():
        # PEFT asks for an attribute that transformers has renamed; who tunes a shop can do nothing about it.
        warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
        prepared = make(encoder, spec)
    if spec.gradient_checkpointing and not prepared.is_frozen:
        _recompute_activations(encoder.model)
    prepared.n_trainable = sum(weight.numel() for weight in prepared.trainable().values())
    prepared.n_parameters = sum(weight.numel() for weight in encoder.parameters())
    return prepared


def _recompute_activations(model: nn.Module) -> None:
    # transformers has renamed it; the older name goes away with its version 6.
    if hasattr(model, "activation_checkpointing_enable"):
        model.activation_checkpointing_enable({"use_reentrant": False})
    else:
        model.gradient_checkpointing_enable({"use_reentrant": False})


def _frozen(encoder: PooledEncoder, _: TuneSpec) -> Prepared:
    dim = int(encoder.model.config.hidden_size)
    head = Head.linear_of(dim)
    nn.init.eye_(head.linear.weight)
    nn.init.zeros_(head.linear.bias)
    encoder.heads.append(head)
    return Prepared(encoder, 0, 0, is_frozen=True)


def _top_layers(encoder: PooledEncoder, spec: TuneSpec) -> Prepared:
    stacks = [module for module in encoder.model.modules() if isinstance(module, nn.ModuleList)]
    if not stacks:
        raise ConfigError(
            f"no stack of layers was found in {type(encoder.model).__name__}",
            where="encode.tune.method",
            hint="choose another method",
        )
    layers = max(stacks, key=lambda stack: sum(weight.numel() for weight in stack.parameters()))
    for layer in layers[-spec.top_layers :]:
        for weight in layer.parameters():
            weight.requires_grad_(True)
    return Prepared(encoder, 0, 0)


def _full(encoder: PooledEncoder, _: TuneSpec) -> Prepared:
    for name, weight in encoder.named_parameters():
        weight.requires_grad_(".pooler." not in name)  # the pooler takes no part in the mean
    return Prepared(encoder, 0, 0)


def _lora(encoder: PooledEncoder, spec: TuneSpec) -> Prepared:
    # Without a dropout of the additions' own: one more at every matrix costs a third of the time of a step.
    peft = _peft()
    encoder.model = peft.get_peft_model(
        encoder.model,
        peft.LoraConfig(
            task_type="FEATURE_EXTRACTION",
            r=spec.rank,
            lora_alpha=2 * spec.rank,
            target_modules="all-linear",
            exclude_modules=r".*pooler.*",
        ),
        ADAPTER,
    )
    return Prepared(encoder, 0, 0)


def _adalora(encoder: PooledEncoder, spec: TuneSpec) -> Prepared:
    peft = _peft()
    # Half as much again to begin with; which ranks go is decided in the middle of the run.
    config = peft.AdaLoraConfig(
        task_type="FEATURE_EXTRACTION",
        init_r=spec.rank + max(1, spec.rank // 2),
        target_r=spec.rank,
        lora_alpha=2 * spec.rank,
        target_modules="all-linear",
        exclude_modules=r".*pooler.*",
        total_step=1_000_000,
        tinit=0,
        tfinal=0,
        deltaT=1,
    )
    encoder.model = peft.get_peft_model(encoder.model, config, ADAPTER)
    tuner = encoder.model.base_model
    factors = [weight for name, weight in encoder.named_parameters() if "lora_A" in name or "lora_B" in name]

    def penalty() -> Tensor:
        strays = []
        for factor in factors:
            product = factor @ factor.T if factor.shape[0] < factor.shape[1] else factor.T @ factor
            strays.append(torch.linalg.norm(product - torch.eye(len(product), device=product.device)))
        return ORTHOGONALITY * torch.stack(strays).mean()

    live = tuner.peft_config[ADAPTER]

    def plan(n_steps: int) -> None:
        live.total_step, live.tinit, live.tfinal = n_steps, n_steps // 10, max(1, n_steps // 3)
        live.deltaT = max(1, n_steps // 50)

    def after_step(step: int) -> None:
        # In a run of a few steps there may be nothing yet to choose ranks by: then all stay.
        final = live.total_step - live.tfinal
        if step < final or (step == final and tuner.rankallocator.ipt) or (step > final and live.rank_pattern):
            tuner.update_and_allocate(step)

    return Prepared(
        encoder,
        0,
        0,
        penalty=penalty,
        plan=plan,
        after_step=after_step,
        allocator=tuner.rankallocator,
    )


def _prefix(encoder: PooledEncoder, spec: TuneSpec) -> Prepared:
    if "past_key_values" not in inspect.signature(encoder.model.forward).parameters:
        raise ConfigError(
            f"{type(encoder.model).__name__} takes no past keys and values, which a prefix is made of",
            expected="a BERT-like encoder",
            where="encode.tune.method",
            hint="choose 'lora'",
        )
    if spec.gradient_checkpointing:
        raise ConfigError(
            "a prefix and gradient checkpointing do not go together: activations would be computed without the prefix",
            where="encode.tune.gradient_checkpointing",
        )
    peft = _peft()
    encoder.model = peft.get_peft_model(
        encoder.model,
        peft.PrefixTuningConfig(task_type="FEATURE_EXTRACTION", num_virtual_tokens=spec.prefix_tokens),
        ADAPTER,
    )
    # Random keys and values of unit variance would drown the text; small ones are hardly noticed at first.
    table = encoder.model.prompt_encoder[ADAPTER].embedding.weight
    with torch.no_grad():
        table.mul_(0.02)
    return Prepared(encoder, 0, 0)


def merged(prepared: Prepared) -> PooledEncoder:
    """The encoder as it is served, in eval mode: additions of LoRA and AdaLoRA are added up into the weights.

    A prefix cannot be: it becomes keys and values that stand beside the weights, and are baked into the exported graph.
    """
    encoder = prepared.encoder
    model = encoder.model
    if not hasattr(model, "peft_config"):
        return encoder.eval()
    if not model.peft_config[ADAPTER].is_prompt_learning:
        return _around(model.merge_and_unload(), encoder)
    config = model.peft_config[ADAPTER]
    table = model.prompt_encoder[ADAPTER].embedding.weight.detach()
    heads = config.num_attention_heads
    prefix = table.view(len(table), config.num_layers, 2, heads, -1).permute(1, 2, 3, 0, 4).contiguous()
    return _around(model.get_base_model(), encoder, prefix.clone())


def _peft() -> Any:
    try:
        import peft
    except ImportError as cause:
        raise MissingExtraError(
            "the package 'peft' is not installed", where="encode.tune.method", hint="pip install 'shelfwise[train]'"
        ) from cause
    return peft


def _around(model: nn.Module, encoder: PooledEncoder, prefix: Tensor | None = None) -> PooledEncoder:
    """The same steps after another transformer."""
    return PooledEncoder(
        model, encoder.poolings, list(encoder.heads), cut=encoder.cut, normalise=encoder.normalise, prefix=prefix
    ).eval()
