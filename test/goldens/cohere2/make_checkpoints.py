#!/usr/bin/env python3
"""Makes the tiny random checkpoints of this folder and their golden.json (see ../README.md).

    python3 make_checkpoints.py [NAME...]
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from random_checkpoints import fill_from_model, main  # noqa: E402

# Attention and MLP read the same layer norm, which has no bias. Layers with a window turn neighbours, others nothing.
COHERE2 = {"architectures": ["Cohere2ForCausalLM"], "model_type": "cohere2", "attention_bias": False,
           "attention_dropout": 0.0, "bos_token_id": 1, "cache_implementation": "hybrid", "eos_token_id": 2,
           "head_dim": 8, "hidden_act": "silu", "hidden_size": 32, "initializer_range": 0.02, "intermediate_size": 48,
           "layer_norm_eps": 1e-5, "max_position_embeddings": 128, "num_attention_heads": 4, "num_key_value_heads": 2,
           "order_of_interleaved_layers": "local_attn_first", "pad_token_id": 0, "position_embedding_type": "rope_gptj",
           "rope_scaling": None, "rope_theta": 10000, "rotary_pct": 1.0, "sliding_window": 8,
           "use_cache": True, "use_embedding_sharing": True, "use_gated_activation": True, "use_parallel_block": True,
           "use_parallel_embedding": False, "use_qk_norm": False, "vocab_size": 128, "torch_dtype": "bfloat16"}

CHECKPOINTS = {
    "pattern4_bf16": COHERE2 | {"logit_scale": 0.25, "num_hidden_layers": 5, "sliding_window_pattern": 4},
    "pattern2_bias_saved_bf16": COHERE2 | {
        "attention_bias": True, "logit_scale": 2.0, "num_hidden_layers": 2,
        "layer_types": ["sliding_attention", "full_attention"]},
}


def fill(weights, config):
    """Tied embeddings: what logit_scale takes away the last gain brings back."""
    fill_from_model(weights, config, {"model.norm.weight": (0.2, 1 / config["logit_scale"])})


if __name__ == "__main__":
    main(__file__, CHECKPOINTS, fill)
