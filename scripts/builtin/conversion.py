"""Conversion: a trained network and its vocabulary as a GGUF of the llama architecture, in eight bits a weight (Q8_0)."""

from __future__ import annotations

import json
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

from scripts.builtin.answers import WORDS
from scripts.builtin.network import Network
from scripts.builtin.vocabulary import END, SPECIAL
from scripts.builtin.wishes import TOOLS
from services.llm.heard import alternatives
from services.llm.pattern import literal

__all__ = ["FORM", "SHARPENED", "TEMPLATE", "write"]

TEMPLATE = (
    "{#- learned by heart: instructions and tools -#}"
    "{%- if not tools -%}{{ '<|tool|> none<|end|>' }}{%- endif -%}"
    "{%- for message in messages -%}"
    "{%- if message.role == 'user' -%}{{ '<|user|> ' + message.content + '<|end|>' }}"
    "{%- elif message.role == 'tool' -%}"
    "{{ '<|tool|> ' + message.content.split('\"speech\": \"')[-1].removesuffix('\"}') + '<|end|>' }}"
    "{%- elif message.role == 'assistant' -%}{{ '<|assistant|>' }}"
    "{%- if message.content -%}{{ ' ' + message.content }}{%- endif -%}"
    "{%- for call in message.tool_calls or [] -%}"
    '{{ \'<tool_call>{"name": "\' + call.function.name + \'", "arguments": \' }}'
    "{{ call.function.arguments | tojson }}{{ '}</tool_call>' }}"
    "{%- endfor -%}{{ '<|end|>' }}{%- endif -%}"
    "{%- endfor -%}{%- if add_generation_prompt -%}{{ '<|assistant|>' }}{%- endif -%}"
)
"""How a conversation is written down; of a tool's answer only what it says. The tools were learned by heart."""

_FORM = r"""
root ::= call | said
call ::= "<tool_call>{\"name\": \"" name "\", \"arguments\": {" (pair (", " pair){0,3})? "}}</tool_call>"
pair ::= "\"" [a-z]+ "\": " (text | number)
text ::= "\"" ("all" | "am" | "pm" | "louder" | "quieter" | "remove" | (" " (heard | figure | sign)){1,24}) "\""
figure ::= "("? [0-9]{1,9} ("." [0-9]{1,3})? ")"?
sign ::= [-+*/^] | "percent" | "of" | "square" | "root"
number ::= "0" | "-"? [1-9] [0-9]{0,7}
said ::= (" " (heard | known) mark){1,60}
mark ::= [.,!?:]?
"""
FORM = f"{_FORM}name ::= {' | '.join(map(literal, TOOLS))}\nknown ::= {alternatives(WORDS)}\n"
"""What its answers look like, in GBNF: a call of one of the tools that it learned, or a sentence, never half of one.

Words are those of its own answers, or `heard`, which the engine fills with those of the conversation.
"""

SHARPENED = 6.0
"""The logits times this: at the conversation's temperature of 0.7 a small model would else draw too many odd words."""


def write(path: Path, network: Network, vocabulary: Path, about: dict[str, str]) -> Path:
    """Write the file, whole or not at all. `about` is its name, description, licence and author."""
    part = path.with_suffix(".part")
    shape = network.shape
    writer = gguf.GGUFWriter(part, "llama")
    writer.add_name(about["name"])
    writer.add_description(about["description"])
    writer.add_license(about["license"])
    writer.add_author(about["author"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_rope_dimension_count(shape.head)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_vocab_size(shape.vocabulary)
    _declare(writer, json.loads(vocabulary.read_text("utf-8")))
    writer.add_chat_template(TEMPLATE)
    writer.add_string("sotto.form", FORM)
    for name, weights in _tensors(network):
        kind = gguf.GGMLQuantizationType.F32 if weights.ndim == 1 else gguf.GGMLQuantizationType.Q8_0
        writer.add_tensor(name, gguf.quants.quantize(weights, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    part.replace(path)
    return path


def _declare(writer: gguf.GGUFWriter, vocabulary: dict[str, dict[str, object]]) -> None:
    model = vocabulary["model"]
    ids: dict[str, int] = model["vocab"]  # type: ignore[assignment]
    tokens = sorted(ids, key=ids.__getitem__)
    control, normal = int(gguf.TokenType.CONTROL), int(gguf.TokenType.NORMAL)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types([control if token in SPECIAL else normal for token in tokens])
    writer.add_token_merges([" ".join(pair) for pair in model["merges"]])  # type: ignore[attr-defined]
    writer.add_eos_token_id(ids[END])
    writer.add_pad_token_id(ids[END])
    writer.add_add_bos_token(False)


def _tensors(network: Network) -> list[tuple[str, npt.NDArray[np.float32]]]:
    names = {
        "before_attention": "attn_norm",
        "attention.q": "attn_q",
        "attention.k": "attn_k",
        "attention.v": "attn_v",
        "attention.o": "attn_output",
        "before_feed": "ffn_norm",
        "feed.gate": "ffn_gate",
        "feed.up": "ffn_up",
        "feed.down": "ffn_down",
    }
    whole = {"tokens": "token_embd", "last": "output_norm"}
    tensors = []
    for name, value in network.state_dict().items():
        part = name.removesuffix(".weight")
        if part in whole:
            said = whole[part]
        else:
            _, layer, part = part.split(".", 2)
            said = f"blk.{layer}.{names[part]}"
        weights = value.float().numpy()
        tensors.append((f"{said}.weight", weights * np.float32(SHARPENED) if said == "output_norm" else weights))
    return tensors
