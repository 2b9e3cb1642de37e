"""Six ways to tune a tiny random BERT: each learns, is saved small, merged, and goes on after an interruption."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from shelfwise.config.tune import Method, TuneSpec
from shelfwise.datasets.searches import Searches
from shelfwise.encode.sentence_transformer import SentenceTransformer
from shelfwise.errors import ConfigError, StateError
from shelfwise.schemas.events import EventKind
from shelfwise.schemas.ids import Floats
from shelfwise.testing.small_shop import GROUP_SIZE, small_shop
from shelfwise.train.tuning import run
from shelfwise.train.tuning.pairs import ItemTexts, make_pairs
from shelfwise.train.tuning.run import Material, TunedEncoder, finished, key, tune

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

METHODS = get_args(Method)
MAX_TOKENS = 16

LETTERS = "abcdefghij"


def passages() -> list[str]:
    """Words of which one alone, different for each item, tells where the item belongs."""
    return [f"{LETTERS[row // GROUP_SIZE]}{LETTERS[row % GROUP_SIZE]}" for row in range(80)]


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BERT that knows the passages' words."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("tuning") / "bert"
    folder.mkdir()
    words = ["somebody", "who", "last", "chose", ",", "and", "before", "that", *passages()]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    vocabulary += [f"[unused{place}]" for place in range(200 - len(vocabulary))]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


def spec(method: Method, **options: Any) -> TuneSpec:
    return TuneSpec.model_validate(
        {
            "method": method,
            "epochs": 0.4,
            "batch_texts": 32,
            "dropout": 0.0,
            "rank": 4,
            "prefix_tokens": 4,
            "top_layers": 1,
            "max_tokens": MAX_TOKENS,
            "precision": "fp32",
            "n_checks": 4,
            "patience": 100,
            "pool": 100,
            "lr": {"frozen": 3e-2, "full": 3e-3, "top-layers": 3e-3, "prefix": 0.1}.get(method, 2e-2),
            **options,
        }
    )


@pytest.fixture
def material(bert: Path) -> Material:
    data = small_shop(n_users=120)
    # What the untuned text knows is put aside: hard negatives are then drawn anywhere.
    vectors = np.random.default_rng(0).normal(size=(80, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Material(
        SentenceTransformer.Config(model=str(bert), max_tokens=MAX_TOKENS),
        ItemTexts(passages(), passages()),
        replace(data, vectors=vectors),
        Searches.none(),
        EventKind.PURCHASE,
        16,
        0.1,
    )


def a_loop(material: Material, options: TuneSpec) -> Any:
    """A loop that is ready to take its first step."""
    from shelfwise.train.tuning.loop import Loop, Texts
    from shelfwise.train.tuning.methods import prepare

    pairs = make_pairs(material.lessons(options).train, material.texts, [], options, 80)
    encoder, tokenizer = loaded(material.base.model)
    texts = Texts(pairs.texts, tokenizer, MAX_TOKENS, bf16=options.precision == "bf16")
    whitening = material.whitening(texts.vectors(encoder, np.arange(80)))
    return Loop(prepare(encoder, options), texts, pairs, None, whitening, options)


def loaded(folder: str) -> tuple[Any, Any]:
    from shelfwise.train.pooled_encoder import load_pooled
    from shelfwise.train.sentence_modules import SentenceModules

    return load_pooled(Path(folder), SentenceModules.read(Path(folder)))


def silent(*_: object) -> None:
    """Nobody watches."""


@pytest.mark.parametrize("method", METHODS)
def test_the_loss_falls(method: Method, material: Material) -> None:
    loop = a_loop(material, spec(method, epochs=3))
    loop._plan(1e-9)
    losses = [loop._step(step) for step in range(40)]
    assert np.isfinite(losses).all()
    assert np.mean(losses[-8:]) < np.mean(losses[:8]) - 0.05, losses


@pytest.mark.parametrize("method", METHODS)
def test_only_what_the_method_allows_changes(method: Method, material: Material) -> None:
    loop = a_loop(material, spec(method))
    prepared = loop.prepared
    before = {name: weight.detach().clone() for name, weight in prepared.encoder.named_parameters()}
    loop._plan(1e-9)
    for step in range(2):
        loop._step(step)
    changed = {name for name, weight in prepared.encoder.named_parameters() if not torch.equal(weight, before[name])}
    assert changed and changed <= set(prepared.trainable())
    assert prepared.n_trainable == sum(weight.numel() for weight in prepared.trainable().values())
    share = prepared.n_trainable / prepared.n_parameters
    assert share > 0.9 if method == "full" else share < 0.6


@pytest.mark.parametrize("method", METHODS)
def test_the_merged_folder_says_what_the_tuned_encoder_says(method: Method, material: Material, tmp_path: Path) -> None:
    from shelfwise.train.tuning import saved
    from shelfwise.train.tuning.methods import merged

    loop = a_loop(material, spec(method))
    untuned = loop.texts.vectors(loop.prepared.encoder, np.arange(80))
    loop._plan(1e-9)
    for step in range(4):
        loop._step(step)
    tuned = loop.texts.vectors(loop.prepared.encoder, np.arange(80))
    assert np.abs(tuned - untuned).max() > 1e-3
    saved.save_adapter(loop.prepared, tmp_path / "adapter")
    _, tokenizer = loaded(material.base.model)
    saved.save_model(merged(loop.prepared), tokenizer, tmp_path / "model", MAX_TOKENS)
    encoder, _ = loaded(str(tmp_path / "model"))
    np.testing.assert_allclose(loop.texts.vectors(encoder, np.arange(80)), tuned, atol=1e-4)
    size = sum(path.stat().st_size for path in (tmp_path / "adapter").rglob("*.safetensors"))
    whole = (tmp_path / "model" / "model.safetensors").stat().st_size
    assert size == 0 if method == "full" else 0 < size < 0.7 * whole
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".bin", ".pt", ".pkl")]


@pytest.mark.parametrize("method", ["frozen", "lora", "top-layers"])
def test_sentence_transformers_reads_the_merged_folder(method: Method, material: Material, tmp_path: Path) -> None:
    sentence_transformers = pytest.importorskip("sentence_transformers")
    found = tuned_anyway(material, spec(method), tmp_path)
    theirs = sentence_transformers.SentenceTransformer(str(found.model), device="cpu").encode(passages()[:20])
    np.testing.assert_allclose(theirs, by_torch(found.model, passages()[:20]), atol=1e-4)


@pytest.mark.parametrize("method", ["frozen", "lora", "prefix"])
def test_the_merged_folder_is_exported(method: Method, material: Material, tmp_path: Path) -> None:
    from shelfwise.train.encoder_export import export_here

    found = tuned_anyway(material, spec(method), tmp_path)
    encoder = SentenceTransformer(SentenceTransformer.Config(model=str(found.model), max_tokens=MAX_TOKENS, threads=1))
    export_here(encoder.config, tmp_path / "graph")
    encoder.load(tmp_path / "graph")
    texts = [*passages()[:20], "somebody who last chose aa, and before that bb", ""]
    cosines = np.sum(encoder.encode(texts) * by_torch(found.model, texts), axis=1)
    assert cosines.min() > 0.97
    cross = encoder.encode(texts) @ by_torch(Path(material.base.model), texts).T
    assert np.abs(np.diag(cross)).min() < 0.999, "the graph is that of the untuned model"


def by_torch(folder: Path, texts: list[str]) -> Floats:
    from shelfwise.train.tuning.loop import Texts

    encoder, tokenizer = loaded(str(folder))
    return Texts(texts, tokenizer, MAX_TOKENS, bf16=False).vectors(encoder, np.arange(len(texts)))


def tuned_anyway(material: Material, options: TuneSpec, folder: Path) -> TunedEncoder:
    """A tuning whose last weights are kept, whatever they are worth."""
    from shelfwise.train.tuning import quality

    with pytest.MonkeyPatch.context() as patch:
        figures = iter(np.linspace(0.1, 0.9, 100).tolist())
        patch.setattr(quality.Pool, "mrr", lambda *_: next(figures))
        return tune(material, options, folder / "tuned", silent)


def stop_at(n: int) -> Callable[[int, float], None]:
    """Somebody presses Ctrl-C at the n-th check."""
    counted = iter(range(1, 100))

    def on_check(*_: object) -> None:
        if next(counted) == n:
            raise KeyboardInterrupt

    return on_check


@pytest.mark.parametrize("method", METHODS)
def test_a_tuning_that_was_interrupted_ends_as_it_would_have(
    method: Method, material: Material, tmp_path: Path
) -> None:
    from safetensors.numpy import load_file

    options = spec(method, dropout=0.1, hard_negatives=0.3, epochs=0.8)
    whole = tuned_anyway(material, options, tmp_path / "whole")

    from shelfwise.train.tuning import quality

    with pytest.MonkeyPatch.context() as patch:
        figures = iter(np.linspace(0.1, 0.9, 100).tolist())
        patch.setattr(quality.Pool, "mrr", lambda *_: next(figures))
        for stop in (1, 2):
            with pytest.raises(KeyboardInterrupt):
                tune(material, options, tmp_path / "parts", silent, stop_at(stop))
            assert finished(tmp_path / "parts") is None
        parts = tune(material, options, tmp_path / "parts", silent)
    assert parts.about["step"] == whole.about["step"]
    assert [check["loss"] for check in parts.about["checks"]] == [check["loss"] for check in whole.about["checks"]]
    for name in ("model.safetensors", "2_Dense/model.safetensors", "prefix.safetensors"):
        if (whole.model / name).is_file():
            one, other = load_file(parts.model / name), load_file(whole.model / name)
            assert one.keys() == other.keys()
            for tensor in one:
                # A head learns from states that were computed in other company: the last digit may differ.
                np.testing.assert_allclose(one[tensor], other[tensor], atol=1e-6)
    assert not list((tmp_path / "parts").glob("*checkpoint*"))


def test_tuning_learns_what_belongs_together(material: Material, tmp_path: Path) -> None:
    """The texts tell nothing before; after it an item's nearest are of its group."""
    found = tune(material, spec("full", epochs=4, cold_share=0.0), tmp_path / "tuned", silent)
    figures = found.about["mrr_in_pool"]
    assert found.is_better and figures["tuned"] > 1.5 * figures["frozen"]
    vectors = by_torch(found.model, passages()[:70])
    near = np.argsort(-(vectors @ vectors.T), axis=1)[:, 1]
    assert np.mean(near // GROUP_SIZE == np.arange(70) // GROUP_SIZE) > 0.5
    about = json.loads((found.folder / run.ABOUT_FILE).read_text())
    assert about == found.about
    assert tune(material, spec("full", epochs=4, cold_share=0.0), tmp_path / "tuned", silent) == found


def test_patience_ends_a_tuning_that_brings_nothing(material: Material, tmp_path: Path) -> None:
    from shelfwise.train.tuning import quality

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quality.Pool, "mrr", lambda *_: 0.5)
        found = tune(material, spec("lora", n_checks=20, patience=2), tmp_path / "tuned", silent)
    assert not found.is_better
    assert len(found.about["checks"]) == 2
    assert not found.model.exists()


def test_options_of_the_loop(material: Material) -> None:
    """Accumulated batches, linear decay, bf16 and recomputed activations; each learns."""
    options = spec("lora", accumulate=2, schedule="linear", precision="bf16", gradient_checkpointing=True, epochs=3)
    loop = a_loop(material, options)
    loop._plan(1e-9)
    losses = [loop._step(step) for step in range(30)]
    assert np.mean(losses[-6:]) < np.mean(losses[:6])
    rates = [loop._lr(step) for step in range(loop.state.n_steps + 1)]
    peak = rates.index(max(rates))
    assert max(rates) == pytest.approx(options.peak_lr) and 0 < rates[0] < rates[peak]
    assert rates[-1] == pytest.approx(0, abs=1e-9)
    assert np.allclose(np.diff(rates[peak:]), rates[peak + 1] - rates[peak])


def test_the_time_that_is_allowed_cuts_the_steps(material: Material) -> None:
    loop = a_loop(material, spec("frozen", epochs=100, minutes=1))
    loop._plan(0.5)
    assert loop.state.n_steps == 102  # 85 % of a minute


def test_norms_and_biases_do_not_decay(material: Material) -> None:
    loop = a_loop(material, spec("full", weight_decay=0.1))
    names = list(loop.prepared.trainable())
    for name, group in zip(names, loop.optimiser.param_groups, strict=True):
        assert group["weight_decay"] == (0.0 if "LayerNorm" in name or name.endswith("bias") else 0.1), name


def test_the_key_tells_everything_that_matters(material: Material) -> None:
    known = key(material, spec("lora"))
    assert known == key(material, spec("lora", use=True, renew_d=3))
    fewer = replace(
        material, data=material.data.with_interactions(material.data.interactions.before(1_702_000_000_000))
    )
    renamed = replace(material, texts=ItemTexts([*passages()[:-1], "other"], passages()))
    for other in (key(material, spec("full")), key(fewer, spec("lora")), key(renamed, spec("lora"))):
        assert other != known


def test_what_cannot_be_tuned_says_so(material: Material, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="gradient checkpointing"):
        a_loop(material, spec("prefix", gradient_checkpointing=True))
    nothing = replace(material, data=material.data.with_interactions(material.data.interactions.before(0)))
    with pytest.raises(StateError, match="too little behaviour"):
        tune(nothing, spec("lora"), tmp_path / "tuned", silent)
