#!/usr/bin/env python3
"""Makes the tiny random checkpoints of this folder and their golden.json (see ../README.md).

    python3 make_checkpoints.py [NAME...]
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from random_checkpoints import main  # noqa: E402

# Three layers with a window, then one without; only the latter's positions are scaled.
OLMO3 = {"architectures": ["Olmo3ForCausalLM"], "model_type": "olmo3", "attention_bias": False,
         "attention_dropout": 0.0, "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 32,
         "initializer_range": 0.02, "intermediate_size": 48, "max_position_embeddings": 128, "num_attention_heads": 4,
         "pad_token_id": 0, "rms_norm_eps": 1e-6, "sliding_window": 8,
         "tie_word_embeddings": False, "use_cache": True, "vocab_size": 128, "torch_dtype": "bfloat16"}
YARN = {"attention_factor": 1.2079441541679836, "beta_fast": 32, "beta_slow": 1, "factor": 8.0,
        "original_max_position_embeddings": 16, "rope_type": "yarn"}

CHECKPOINTS = {
    "yarn_window8_bf16": OLMO3 | {
        "num_hidden_layers": 4, "num_key_value_heads": 2, "rope_scaling": YARN, "rope_theta": 500000,
        "layer_types": ["sliding_attention", "sliding_attention", "sliding_attention", "full_attention"]},
    # layer_types absent: every fourth layer is full. Five layers, so that the pattern starts again.
    "pattern_yarn_saved_bf16": OLMO3 | {
        "num_hidden_layers": 5, "num_key_value_heads": 4,
        "rope_parameters": {"full_attention": YARN | {"rope_theta": 10000.0},
                            "sliding_attention": {"rope_theta": 500.0, "rope_type": "default"}}},
}

if __name__ == "__main__":
    main(__file__, CHECKPOINTS)
