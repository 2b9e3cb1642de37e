"""Language and vision models of a few kilobytes with random weights, as folders that transformers reads. Needs torch.

They know nothing, but they run through the same code as real ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertModel,
    CLIPConfig,
    CLIPModel,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3Model,
    SiglipConfig,
    SiglipModel,
    T5Config,
    T5ForConditionalGeneration,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

DIM = 32
MAX_POSITIONS = 64
N_WORDS = 300


def tiny_bert(folder: Path, texts: Sequence[str]) -> None:
    """A BERT of two layers, its word pieces learned from `texts`."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    trainer = trainers.WordPieceTrainer(vocab_size=N_WORDS, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    # As in the wild: a file that pads every text to a fixed length.
    tokenizer.enable_padding(length=MAX_POSITIONS)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=MAX_POSITIONS,
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=DIM,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=2 * DIM,
        max_position_embeddings=MAX_POSITIONS,
        initializer_range=0.3,
    )
    BertModel(config).save_pretrained(folder)


def tiny_t5(folder: Path, texts: Sequence[str]) -> None:
    """A whole T5, encoder and decoder, its unigrams learned from `texts`."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    special = ["<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(
        vocab_size=N_WORDS, special_tokens=special, unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", pad_token="<pad>", eos_token="</s>"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=tokenizer.get_vocab_size(), d_model=DIM, d_kv=16, d_ff=2 * DIM, num_layers=2, num_heads=2
    )
    T5ForConditionalGeneration(config).save_pretrained(folder)


def tiny_decoder(folder: Path, texts: Sequence[str], *, padding_side: str = "left", marks_end: bool = True) -> None:
    """A Qwen of two layers, its byte pairs learned from `texts`.

    Args:
        folder: Where it is written.
        texts: What its tokenizer learns from.
        padding_side: What the tokenizer asks for.
        marks_end: Whether the tokenizer puts the token of a text's end behind every text.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=N_WORDS + 256,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    if marks_end:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="$A <|endoftext|>", special_tokens=[("<|endoftext|>", 0)]
        )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<|endoftext|>",
        eos_token="<|endoftext|>",
        padding_side=padding_side,
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=DIM,
        intermediate_size=2 * DIM,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        max_position_embeddings=4 * MAX_POSITIONS,
        initializer_range=0.1,
        pad_token_id=None,
    )
    Qwen3Model(config).save_pretrained(folder)


def tiny_clip(folder: Path) -> None:
    """A whole CLIP, both halves, that looks at 32 × 32 pixels from the middle of the picture."""
    torch.manual_seed(0)
    small = {"hidden_size": DIM, "intermediate_size": 2 * DIM, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = CLIPConfig(
        text_config={**small, "vocab_size": N_WORDS, "max_position_embeddings": MAX_POSITIONS},
        vision_config={**small, "image_size": 32, "patch_size": 8},
        projection_dim=DIM // 2,
        initializer_factor=3.0,
    )
    CLIPModel(config).save_pretrained(folder)
    CLIPImageProcessorPil(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}, image_mean=[0.48, 0.46, 0.41]
    ).save_pretrained(folder)


def tiny_siglip(folder: Path) -> None:
    """A whole SigLIP that looks at the picture stretched to 32 × 32 pixels."""
    torch.manual_seed(0)
    small = {"hidden_size": DIM, "intermediate_size": 2 * DIM, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = SiglipConfig(
        text_config={**small, "vocab_size": N_WORDS, "max_position_embeddings": MAX_POSITIONS},
        vision_config={**small, "image_size": 32, "patch_size": 8},
    )
    SiglipModel(config).save_pretrained(folder)
    SiglipImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
