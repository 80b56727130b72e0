#!/usr/bin/env python3
"""Makes the tiny random checkpoints of this folder and their golden.json (see ../README.md).

    python3 make_checkpoints.py [NAME...]
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from random_checkpoints import main  # noqa: E402

# Norms stand behind attention and MLP; q and k have one over each head.
EXAONE4 = {"architectures": ["Exaone4ForCausalLM"], "model_type": "exaone4", "attention_dropout": 0.0,
           "bos_token_id": 1, "eos_token_id": 2, "head_dim": 16, "hidden_act": "silu", "hidden_size": 32,
           "initializer_range": 0.02, "intermediate_size": 48, "max_position_embeddings": 256,
           "num_attention_heads": 4, "num_key_value_heads": 2, "pad_token_id": 0, "rms_norm_eps": 1e-5,
           "rope_theta": 10000, "use_cache": True, "vocab_size": 128, "torch_dtype": "bfloat16",
           "rope_scaling": {"factor": 4.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
                            "original_max_position_embeddings": 32, "rope_type": "llama3"}}

CHECKPOINTS = {
    # As the 32B model: three layers see 8 positions and turn, the fourth sees everything and does not.
    "pattern_window8_bf16": EXAONE4 | {
        "num_attention_heads": 2, "num_hidden_layers": 5, "num_key_value_heads": 1, "sliding_window": 8,
        "sliding_window_pattern": "LLLG", "tie_word_embeddings": False,
        "layer_types": ["sliding_attention"] * 3 + ["full_attention", "sliding_attention"]},
    # As the 1.2B model: no window, and every layer turns.
    "full_tied_saved_bf16": EXAONE4 | {
        "num_hidden_layers": 2, "sliding_window": None, "sliding_window_pattern": None, "tie_word_embeddings": True,
        "layer_types": ["full_attention"] * 2},
}

if __name__ == "__main__":
    main(__file__, CHECKPOINTS)
