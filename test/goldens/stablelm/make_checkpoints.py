#!/usr/bin/env python3
"""Makes the tiny random checkpoints of this folder and their golden.json (see ../README.md).

    python3 make_checkpoints.py [NAME...]
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from random_checkpoints import main  # noqa: E402

# Of 16 features of a head four turn; norms have a bias.
STABLELM = {"architectures": ["StableLmForCausalLM"], "model_type": "stablelm", "attention_dropout": 0.0,
            "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "hidden_dropout": 0.0, "hidden_size": 32,
            "initializer_range": 0.02, "intermediate_size": 48, "layer_norm_eps": 1e-5, "max_position_embeddings": 128,
            "num_attention_heads": 2, "num_hidden_layers": 2, "num_key_value_heads": 1, "partial_rotary_factor": 0.25,
            "rope_scaling": None, "rope_theta": 10000, "tie_word_embeddings": False, "use_cache": True,
            "vocab_size": 128}

CHECKPOINTS = {
    # As StableLM 2 1.6B.
    "bias_f32": STABLELM | {"use_qkv_bias": True, "torch_dtype": "float32"},
    # As StableLM 2 12B: attention and MLP read the same norm; each head of q and k has a gain of its own.
    "parallel_qk_norm_bf16": STABLELM | {
        "use_qkv_bias": False, "qk_layernorm": True, "use_parallel_residual": True, "torch_dtype": "bfloat16",
        "num_attention_heads": 4, "num_key_value_heads": 2},
    "tied_saved_f16": STABLELM | {"use_qkv_bias": False, "tie_word_embeddings": True, "torch_dtype": "float16"},
}

if __name__ == "__main__":
    main(__file__, CHECKPOINTS)
