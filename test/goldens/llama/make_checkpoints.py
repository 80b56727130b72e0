#!/usr/bin/env python3
"""Makes the tiny random checkpoints of this folder and their golden.json (see ../make_goldens.py for its keys).

    python3 make_checkpoints.py [NAME...]

Each checkpoint is the smallest that shows what its name says. Weights come from a fixed seed: the first from 0 on
with which no greedy step is a near tie, none reaches EOS and the continuations are not one token over and over.
Configs are written by hand, in the spelling found in real checkpoints rather than the one save_pretrained has today;
`mha_sharded_f32` alone has the spelling of transformers 5 (`rope_parameters`, `dtype`).
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from random_checkpoints import main  # noqa: E402

LLAMA = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "bos_token_id": 1,
         "eos_token_id": 2, "max_position_embeddings": 128, "rms_norm_eps": 1e-5, "num_hidden_layers": 2,
         "attention_bias": False, "mlp_bias": False}
MISTRAL = {"architectures": ["MistralForCausalLM"], "model_type": "mistral", "hidden_act": "silu", "bos_token_id": 1,
           "eos_token_id": 2, "max_position_embeddings": 128, "rms_norm_eps": 1e-6, "num_hidden_layers": 2}

CHECKPOINTS = {
    "gqa_tied_f32": LLAMA | {
        "hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2,
        "vocab_size": 96, "rope_theta": 10000.0, "tie_word_embeddings": True, "torch_dtype": "float32"},
    "bias_untied_bf16": LLAMA | {
        "hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 4, "num_key_value_heads": 1,
        "vocab_size": 100, "rope_theta": 10000.0, "tie_word_embeddings": False, "torch_dtype": "bfloat16",
        "attention_bias": True, "mlp_bias": True},
    # Wavelengths below 16 stay, between 16 and 64 are blended, above are stretched: all three occur in 16 frequencies.
    "rope_llama3_f16": LLAMA | {
        "hidden_size": 48, "intermediate_size": 64, "num_attention_heads": 3, "num_key_value_heads": 1, "head_dim": 32,
        "vocab_size": 112, "rope_theta": 500000.0, "tie_word_embeddings": True, "torch_dtype": "float16",
        "max_position_embeddings": 512,
        "rope_scaling": {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                         "original_max_position_embeddings": 64, "rope_type": "llama3"}},
    "mha_sharded_f32": LLAMA | {
        "hidden_size": 40, "intermediate_size": 72, "num_attention_heads": 2, "num_key_value_heads": 2,
        "head_dim": 20, "vocab_size": 101, "tie_word_embeddings": False, "dtype": "float32", "num_hidden_layers": 3,
        "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}},
    # A position sees itself and the 7 before it.
    "mistral_window8_bf16": MISTRAL | {
        "hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2,
        "vocab_size": 96, "rope_theta": 10000.0, "tie_word_embeddings": False, "torch_dtype": "bfloat16",
        "sliding_window": 8},
}


def fill(weights, config):
    """Gains keep attention peaked and the residual stream moved by each layer, so that every op shows in the logits."""
    hidden, inter, vocab = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    head_dim = config.get("head_dim", hidden // config["num_attention_heads"])
    q, kv = config["num_attention_heads"] * head_dim, config["num_key_value_heads"] * head_dim
    attention_bias, mlp_bias = config.get("attention_bias", False), config.get("mlp_bias", False)
    weights.normal("model.embed_tokens.weight", vocab, hidden, std=0.4)
    for i in range(config["num_hidden_layers"]):
        layer = f"model.layers.{i}"
        weights.norm(f"{layer}.input_layernorm", hidden)
        weights.linear(f"{layer}.self_attn.q_proj", q, hidden, attention_bias)
        weights.linear(f"{layer}.self_attn.k_proj", kv, hidden, attention_bias)
        weights.linear(f"{layer}.self_attn.v_proj", kv, hidden, attention_bias)
        weights.linear(f"{layer}.self_attn.o_proj", hidden, q, attention_bias)
        weights.norm(f"{layer}.post_attention_layernorm", hidden)
        weights.linear(f"{layer}.mlp.gate_proj", inter, hidden, mlp_bias)
        weights.linear(f"{layer}.mlp.up_proj", inter, hidden, mlp_bias)
        weights.linear(f"{layer}.mlp.down_proj", hidden, inter, mlp_bias)
    weights.norm("model.norm", hidden)
    if not config["tie_word_embeddings"]:
        weights.linear("lm_head", vocab, hidden, bias=False, gain=2.5)


if __name__ == "__main__":
    main(__file__, CHECKPOINTS, fill)
