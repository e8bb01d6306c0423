"""A tiny Whisper for tests: written through CTranslate2's spec API, it says the same words to whatever it hears.

Attention and feed-forward layers are silent (zero weights), so the decoder's state is its position alone, and the
position's vector points at the token to say: the real encoder, decoder, tokenizer, timestamps and alignment run.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ctranslate2.specs import WhisperSpec
from tokenizers import Tokenizer, models, pre_tokenizers
from tokenizers.decoders import ByteLevel

from shared.installed import InstalledModel

_SIZE = 64
_MELS = 80
_CONTEXT = 448


def write_whisper(folder: Path, said: Sequence[str] = (), *, name: str = "tiny-test") -> InstalledModel:
    """Write an English-only model into `folder` that says `said` (words; none: random weights) and return it."""
    tokens, special = _vocabulary(said)
    _write_tokenizer(folder, tokens, special)
    spec = WhisperSpec(num_encoder_layers=1, num_encoder_heads=2, num_decoder_layers=1, num_decoder_heads=2)
    _fill(spec, tokens, said)
    spec.register_vocabulary(tokens)
    ids = {token: i for i, token in enumerate(tokens)}
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [ids["<|endoftext|>"]]
    spec.config.alignment_heads = [(0, 0), (0, 1)]
    spec.config.lang_ids = []
    spec.validate()
    spec.optimize(quantization=None)
    spec.save(str(folder))
    files = tuple(sorted(p for p in folder.iterdir() if p.is_file()))
    return InstalledModel("stt", name, "faster-whisper", folder, files, ())


def _vocabulary(said: Sequence[str]) -> tuple[list[str], list[str]]:
    words = sorted({f"Ġ{word}" for word in said})
    plain = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *words]
    special = [
        "<|endoftext|>",
        "<|startoftranscript|>",
        "<|en|>",
        "<|translate|>",
        "<|transcribe|>",
        "<|startoflm|>",
        "<|startofprev|>",
        "<|nospeech|>",
        "<|notimestamps|>",
        *(f"<|{i * 0.02:.2f}|>" for i in range(1501)),
    ]
    return [*plain, *special], special


def _write_tokenizer(folder: Path, tokens: Sequence[str], special: Sequence[str]) -> None:
    tokenizer = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevel()
    tokenizer.add_special_tokens(list(special))
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "preprocessor_config.json").write_text(json.dumps({"feature_size": _MELS}))


def _fill(spec: WhisperSpec, tokens: list[str], said: Sequence[str]) -> None:
    random = np.random.default_rng(5)
    shape = {"encoder": spec.encoder, "decoder": spec.decoder}
    for part in shape.values():
        _fill_part(part, random, 0.0 if said else 0.2)
    embeddings = random.standard_normal((len(tokens), _SIZE)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    positions = 0.1 * random.standard_normal((_CONTEXT, _SIZE)).astype(np.float32)
    ids = {token: i for i, token in enumerate(tokens)}
    if said:
        script = ["<|0.00|>", *(f"Ġ{word}" for word in said), "<|2.00|>"]
        script += ["<|endoftext|>"] * (_CONTEXT - len(script))
        positions = 40 * embeddings[[ids[token] for token in script]]
        _look_in_order(spec, embeddings[[ids[token] for token in script[: len(said) + 5]]], times := _times(random))
    spec.encoder.position_encodings.encodings = times if said else _times(random)
    spec.decoder.position_encodings.encodings = positions
    spec.decoder.embeddings.weight = embeddings
    spec.decoder.projection.weight = embeddings * (30 if said else 1)
    spec.decoder.scale_embeddings = False


def _times(random: np.random.Generator) -> np.ndarray:
    """A vector for each of the encoder's 1500 frames of 20 ms, alike for frames that are near each other."""
    angles = np.arange(1500)[:, None] * random.uniform(0, 0.4, _SIZE // 2)[None, :]
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def _look_in_order(spec: WhisperSpec, script: np.ndarray, times: np.ndarray) -> None:
    """Let the n-th token attend to the sound a quarter of a second after the one before, so that words get times."""
    frames = 12 * np.arange(len(script))
    attention = spec.decoder.layer[0].attention
    queries = np.linalg.pinv(_normal(script)) @ _normal(times)[frames]
    attention.linear[0].weight = (4 * queries.T).astype(np.float32)
    attention.linear[1].weight = np.concatenate([np.eye(_SIZE), np.zeros((_SIZE, _SIZE))]).astype(np.float32)


def _normal(rows: np.ndarray) -> np.ndarray:
    centred = rows - rows.mean(axis=1, keepdims=True)
    return centred / centred.std(axis=1, keepdims=True)


def _fill_part(part: object, random: np.random.Generator, scale: float) -> None:
    encoder = hasattr(part, "conv1")
    if encoder:
        part.conv1.weight = (random.standard_normal((_SIZE, _MELS, 3)) * scale).astype(np.float32)
        part.conv1.bias = np.zeros(_SIZE, np.float32)
        part.conv2.weight = (random.standard_normal((_SIZE, _SIZE, 3)) * scale).astype(np.float32)
        part.conv2.bias = np.zeros(_SIZE, np.float32)
    _norm(part.layer_norm)
    for layer in part.layer:
        attentions = [layer.self_attention] if encoder else [layer.self_attention, layer.attention]
        for index, attention in enumerate(attentions):
            _norm(attention.layer_norm)
            widths = (
                [(3 * _SIZE, _SIZE), (_SIZE, _SIZE)]
                if index == 0
                else [(_SIZE, _SIZE), (2 * _SIZE, _SIZE), (_SIZE, _SIZE)]
            )
            for linear, width in zip(attention.linear, widths, strict=True):
                _linear(linear, width, random, scale)
        _norm(layer.ffn.layer_norm)
        _linear(layer.ffn.linear_0, (4 * _SIZE, _SIZE), random, scale)
        _linear(layer.ffn.linear_1, (_SIZE, 4 * _SIZE), random, scale)


def _norm(norm: object) -> None:
    norm.gamma = np.ones(_SIZE, np.float32)
    norm.beta = np.zeros(_SIZE, np.float32)


def _linear(linear: object, shape: tuple[int, int], random: np.random.Generator, scale: float) -> None:
    linear.weight = (random.standard_normal(shape) * scale).astype(np.float32)
    linear.bias = np.zeros(shape[0], np.float32)
