#!/usr/bin/env python3
"""Makes the tiny random checkpoints of this folder and their golden.json (see ../README.md).

    python3 make_checkpoints.py [NAME...]
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from random_checkpoints import main  # noqa: E402

SMOLLM3 = {"architectures": ["SmolLM3ForCausalLM"], "model_type": "smollm3", "attention_bias": False,
           "attention_dropout": 0.0, "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 32,
           "initializer_range": 0.02, "intermediate_size": 48, "max_position_embeddings": 128, "max_window_layers": 28,
           "mlp_bias": False, "num_attention_heads": 4, "num_key_value_heads": 2, "pad_token_id": 0,
           "pretraining_tp": 2, "rms_norm_eps": 1e-6, "rope_scaling": None, "rope_theta": 10000.0,
           "sliding_window": None, "use_cache": True, "use_sliding_window": False, "vocab_size": 128,
           "torch_dtype": "bfloat16"}

CHECKPOINTS = {
    # In the fourth layer nothing turns.
    "interval4_tied_bf16": SMOLLM3 | {
        "layer_types": ["full_attention"] * 5, "no_rope_layer_interval": 4, "no_rope_layers": [1, 1, 1, 0, 1],
        "num_hidden_layers": 5, "tie_word_embeddings": True},
    # A list of its own, which layers without rotation see only 8 positions, and biases everywhere.
    "list_window8_bias_saved_bf16": SMOLLM3 | {
        "attention_bias": True, "mlp_bias": True, "no_rope_layers": [0, 1, 1], "num_hidden_layers": 3,
        "sliding_window": 8, "tie_word_embeddings": False, "use_sliding_window": True},
}

if __name__ == "__main__":
    main(__file__, CHECKPOINTS)
