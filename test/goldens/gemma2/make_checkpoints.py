#!/usr/bin/env python3
"""Makes the tiny random checkpoints of this folder and their golden.json (see ../README.md).

    python3 make_checkpoints.py [NAME...]
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from random_checkpoints import fill_from_model, main  # noqa: E402

# The caps are low enough to bend scores and logits; every second layer, the first too, sees 8 positions.
GEMMA2 = {"architectures": ["Gemma2ForCausalLM"], "model_type": "gemma2", "attention_bias": False,
          "attention_dropout": 0.0, "attn_logit_softcapping": 3.0, "bos_token_id": 1, "cache_implementation": "hybrid",
          "eos_token_id": 2, "final_logit_softcapping": 8.0, "head_dim": 16, "hidden_act": "gelu_pytorch_tanh",
          "hidden_activation": "gelu_pytorch_tanh", "hidden_size": 32, "initializer_range": 0.02,
          "intermediate_size": 48, "max_position_embeddings": 128, "num_attention_heads": 4, "num_key_value_heads": 2,
          "pad_token_id": 0, "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "sliding_window": 8, "use_cache": True,
          "vocab_size": 128}

CHECKPOINTS = {
    "softcaps_window8_bf16": GEMMA2 | {"num_hidden_layers": 4, "query_pre_attn_scalar": 16, "torch_dtype": "bfloat16"},
    # As in the 27B model: scores are not divided by the square root of head_dim.
    "scalar_saved_f32": GEMMA2 | {"num_hidden_layers": 2, "query_pre_attn_scalar": 8, "torch_dtype": "float32"},
}


def fill(weights, config):
    """Small embeddings, for they are multiplied, and a large last gain: else each token would be followed by itself."""
    fill_from_model(weights, config, {"embed_tokens": (0.05, 0.0), ".norm.weight": (1.0, 7.0)})


if __name__ == "__main__":
    main(__file__, CHECKPOINTS, fill)
