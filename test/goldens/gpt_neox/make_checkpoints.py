#!/usr/bin/env python3
"""Makes the tiny random checkpoints of this folder and their golden.json (see ../README.md).

    python3 make_checkpoints.py [NAME...]
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import torch  # noqa: E402
from random_checkpoints import fill_from_model, main  # noqa: E402

# Of 16 features of a head four turn; rows of query_key_value are q, k and v of one head after the other.
GPT_NEOX = {"architectures": ["GPTNeoXForCausalLM"], "model_type": "gpt_neox", "bos_token_id": 1, "eos_token_id": 2,
            "hidden_act": "gelu", "hidden_size": 32, "initializer_range": 0.02, "intermediate_size": 64,
            "layer_norm_eps": 1e-5, "max_position_embeddings": 64, "num_attention_heads": 2, "num_hidden_layers": 2,
            "rotary_emb_base": 10000, "rotary_pct": 0.25, "tie_word_embeddings": False, "use_cache": True,
            "vocab_size": 128}

CHECKPOINTS = {
    # As Pythia is published: masks and frequencies of each layer are among the tensors.
    "parallel_published_bf16": GPT_NEOX | {"use_parallel_residual": True, "torch_dtype": "bfloat16"},
    "sequential_f32": GPT_NEOX | {"use_parallel_residual": False, "torch_dtype": "float32"},
    # No bias in the attention, all features turn.
    "no_bias_tied_saved_bf16": GPT_NEOX | {
        "use_parallel_residual": True, "attention_bias": False, "rotary_pct": 1.0, "tie_word_embeddings": True,
        "hidden_act": "gelu_new", "num_hidden_layers": 3, "torch_dtype": "bfloat16"},
}


def fill(weights, config):
    fill_from_model(weights, config)
    if config["torch_dtype"] != "bfloat16" or config["tie_word_embeddings"]:
        return
    size = config["max_position_embeddings"]
    for i in range(config["num_hidden_layers"]):
        layer = f"gpt_neox.layers.{i}.attention"
        weights[f"{layer}.bias"] = torch.ones(size, size, dtype=torch.bool).tril()[None, None].contiguous()
        weights[f"{layer}.masked_bias"] = torch.tensor(-1e9, dtype=weights.dtype)
        weights[f"{layer}.rotary_emb.inv_freq"] = torch.tensor([1.0, 0.01], dtype=weights.dtype)


if __name__ == "__main__":
    main(__file__, CHECKPOINTS, fill)
