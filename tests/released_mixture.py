"""A tiny checkpoint in the layout of BiMediX's release: what transformers 4.36 wrote of a Mixtral in early 2024."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, processors

HUB_ID = "BiMediX/BiMediX-Bi"
REVISION = "0123456789abcdef0123456789abcdef01234567"
N_LAYERS, N_EXPERTS, HIDDEN, INNER, N_HEADS, N_KEY_HEADS = 2, 4, 16, 24, 4, 2
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")

TEMPLATE_2023 = (
    "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token}}"
    "{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}"
)
"""Mixtral-8x7B-Instruct-v0.1, tokenizer_config.json of December 2023, as llama-cpp-python cites it."""

TEMPLATE_2024 = (
    "{%- if messages[0]['role'] == 'system' %}\n    {%- set system_message = messages[0]['content'] %}\n"
    "    {%- set loop_messages = messages[1:] %}\n{%- else %}\n    {%- set loop_messages = messages %}\n{%- endif %}\n"
    "\n{{- bos_token }}\n{%- for message in loop_messages %}\n"
    "    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}\n"
    "        {{- raise_exception('After the optional system message, conversation roles must alternate') }}\n"
    "    {%- endif %}\n    {%- if message['role'] == 'user' %}\n"
    "        {%- if loop.first and system_message is defined %}\n"
    "            {{- ' [INST] ' + system_message + '\\n\\n' + message['content'] + ' [/INST]' }}\n"
    "        {%- else %}\n            {{- ' [INST] ' + message['content'] + ' [/INST]' }}\n        {%- endif %}\n"
    "    {%- elif message['role'] == 'assistant' %}\n        {{- ' ' + message['content'] + eos_token}}\n"
    "    {%- endif %}\n{%- endfor %}\n"
)
"""The same repository since August 2024."""

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789[]/().,?!:"
_MERGES = [("▁", "["), ("I", "N"), ("S", "T"), ("IN", "ST"), ("]", "("), ("▁", "Y"), ("▁Y", "e"), ("▁Ye", "s")]
"""Among them the two tokens of a published vocabulary that a template can go wrong with."""


def legacy_tokenizer() -> Tokenizer:
    """Llama's first layout: byte fallback, no splitting into words, a space put before each stretch of text."""
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *_LETTERS]
    pieces += ["".join(merge) for merge in _MERGES]
    tokenizer = Tokenizer(
        models.BPE({piece: index for index, piece in enumerate(pieces)}, _MERGES, unk_token="<unk>", fuse_unk=True,
                   byte_fallback=True)
    )  # fmt: skip
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in ("<unk>", "<s>", "</s>")])
    return tokenizer


def write_tokenizer(folder: Path, *, template: str | None) -> None:
    """tokenizer.json and tokenizer_config.json."""
    legacy_tokenizer().save(str(folder / "tokenizer.json"))
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    config = {
        "add_bos_token": True, "add_eos_token": False, "additional_special_tokens": [], "legacy": True,
        "added_tokens_decoder": {str(i): {"content": one} | flags for i, one in enumerate(["<unk>", "<s>", "</s>"])},
        "bos_token": "<s>", "clean_up_tokenization_spaces": False, "eos_token": "</s>", "pad_token": None,
        "model_max_length": 1000000000000000019884624838656, "sp_model_kwargs": {},
        "spaces_between_special_tokens": False, "tokenizer_class": "LlamaTokenizer", "unk_token": "<unk>",
        "use_default_system_prompt": False,
    }  # fmt: skip
    config |= {"chat_template": template} if template else {}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


def drawn_weights(seed: int = 0) -> dict[str, torch.Tensor]:
    """bfloat16 weights by the names of early 2024."""
    generator = torch.Generator().manual_seed(seed)
    key_width = HIDDEN // N_HEADS * N_KEY_HEADS
    size = legacy_tokenizer().get_vocab_size()
    shapes = {"model.embed_tokens.weight": (size, HIDDEN), "lm_head.weight": (size, HIDDEN)}
    shapes["model.norm.weight"] = (HIDDEN,)
    for layer in range(N_LAYERS):
        at = f"model.layers.{layer}"
        shapes |= {f"{at}.{norm}.weight": (HIDDEN,) for norm in ("input_layernorm", "post_attention_layernorm")}
        widths = {"q_proj": HIDDEN, "k_proj": key_width, "v_proj": key_width, "o_proj": HIDDEN}
        shapes |= {f"{at}.self_attn.{name}.weight": (width, HIDDEN) for name, width in widths.items()}
        shapes[f"{at}.block_sparse_moe.gate.weight"] = (N_EXPERTS, HIDDEN)
        for expert in range(N_EXPERTS):
            for name, shape in {"w1": (INNER, HIDDEN), "w2": (HIDDEN, INNER), "w3": (INNER, HIDDEN)}.items():
                shapes[f"{at}.block_sparse_moe.experts.{expert}.{name}.weight"] = shape
    return {
        name: (0.5 * torch.randn(shape, generator=generator) + (len(shape) == 1)).bfloat16()
        for name, shape in shapes.items()
    }


def write_release(
    folder: Path, *, template: str | None = None, says_only: str | None = None
) -> dict[str, torch.Tensor]:
    """The whole repository in a folder, its weights in two shards; the weights by their names.

    Args:
        folder: takes the files.
        template: chat template of its tokenizer.
        says_only: a token that the model writes whatever it is asked.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = drawn_weights()
    if says_only:
        _make_say(weights, says_only)
    config = {
        "_name_or_path": "mistralai/Mixtral-8x7B-Instruct-v0.1", "architectures": ["MixtralForCausalLM"],
        "attention_dropout": 0.0, "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "hidden_size": HIDDEN,
        "initializer_range": 0.02, "intermediate_size": INNER, "max_position_embeddings": 512, "model_type": "mixtral",
        "num_attention_heads": N_HEADS, "num_experts_per_tok": 2, "num_hidden_layers": N_LAYERS,
        "num_key_value_heads": N_KEY_HEADS, "num_local_experts": N_EXPERTS, "output_router_logits": False,
        "rms_norm_eps": 1e-05, "rope_theta": 1000000.0, "router_aux_loss_coef": 0.02, "sliding_window": None,
        "tie_word_embeddings": False, "torch_dtype": "bfloat16", "transformers_version": "4.36.2", "use_cache": False,
        "vocab_size": len(weights["lm_head.weight"]),
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    generation = {"_from_model_config": True, "bos_token_id": 1, "eos_token_id": 2, "transformers_version": "4.36.2"}
    (folder / "generation_config.json").write_text(json.dumps(generation))
    write_tokenizer(folder, template=template)
    places = {name: SHARDS[index > len(weights) // 2] for index, name in enumerate(sorted(weights))}
    for shard in SHARDS:
        kept = {name: weights[name] for name, place in places.items() if place == shard}
        save_file(kept, folder / shard, metadata={"format": "pt"})
    size = sum(weight.nbytes for weight in weights.values())
    index = {"metadata": {"total_size": size}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return weights


def _make_say(weights: dict[str, torch.Tensor], token: str) -> None:
    """Without experts or attention, states are embeddings; all are alike, and one row of the head looks for them."""
    for name in weights:
        if "o_proj" in name or ".w2." in name:
            weights[name] = torch.zeros_like(weights[name])
    weights["model.embed_tokens.weight"] = torch.ones_like(weights["model.embed_tokens.weight"])
    weights["model.norm.weight"] = torch.ones_like(weights["model.norm.weight"])
    weights["lm_head.weight"] = torch.zeros_like(weights["lm_head.weight"])
    weights["lm_head.weight"][legacy_tokenizer().token_to_id(token)] = 1


def write_hub_cache(cache: Path, **settings) -> dict[str, torch.Tensor]:
    """The repository as `hf download` leaves it below HF_HUB_CACHE."""
    repository = cache / f"models--{HUB_ID.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(REVISION)
    return write_release(repository / "snapshots" / REVISION, **settings)


def logits_by_hand(weights: dict[str, torch.Tensor], ids: list[int]) -> torch.Tensor:
    """float32[T, V]: Mixtral's forward pass written out from the names of early 2024; no class of transformers."""
    weights = {name: weight.float() for name, weight in weights.items()}
    states = weights["model.embed_tokens.weight"][ids]
    for layer in range(N_LAYERS):
        own = {name.split(f"layers.{layer}.")[1]: one for name, one in weights.items() if f"layers.{layer}." in name}
        states = states + _attention(own, _norm(states, own["input_layernorm.weight"]))
        states = states + _experts(own, _norm(states, own["post_attention_layernorm.weight"]))
    return _norm(states, weights["model.norm.weight"]) @ weights["lm_head.weight"].T


def _norm(states: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return weight * states / (states.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt()


def _rotated(states: torch.Tensor) -> torch.Tensor:
    """States T x heads x size, turned by their positions; the halves of a head are the two coordinates."""
    n_tokens, _, size = states.shape
    angles = torch.arange(n_tokens)[:, None] / 1e6 ** (torch.arange(0, size, 2) / size)
    cos, sin = angles.cos()[:, None], angles.sin()[:, None]
    first, second = states.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


def _attention(own: dict[str, torch.Tensor], states: torch.Tensor) -> torch.Tensor:
    n_tokens, size = len(states), HIDDEN // N_HEADS
    queries, keys, values = (
        (states @ own[f"self_attn.{name}_proj.weight"].T).view(n_tokens, -1, size) for name in ("q", "k", "v")
    )
    queries, keys = _rotated(queries), _rotated(keys)
    heads = []
    for head in range(N_HEADS):
        group = head // (N_HEADS // N_KEY_HEADS)
        scores = queries[:, head] @ keys[:, group].T / size**0.5
        scores = scores.masked_fill(torch.ones(n_tokens, n_tokens).triu(1).bool(), -torch.inf)
        heads.append(scores.softmax(-1) @ values[:, group])
    return torch.cat(heads, dim=-1) @ own["self_attn.o_proj.weight"].T


def _experts(own: dict[str, torch.Tensor], states: torch.Tensor) -> torch.Tensor:
    mixed = torch.zeros_like(states)
    for token, state in enumerate(states):
        chances = (own["block_sparse_moe.gate.weight"] @ state).softmax(-1)
        best = sorted(range(N_EXPERTS), key=lambda expert: -chances[expert])[:2]
        for expert in best:
            w1, w2, w3 = (own[f"block_sparse_moe.experts.{expert}.{name}.weight"] for name in ("w1", "w2", "w3"))
            answer = w2 @ (torch.nn.functional.silu(w1 @ state) * (w3 @ state))
            mixed[token] += chances[expert] / chances[best].sum() * answer
    return mixed
