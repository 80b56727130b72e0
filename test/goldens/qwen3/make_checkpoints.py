#!/usr/bin/env python3
"""Makes the tiny random checkpoints of this folder and their golden.json (see ../README.md).

    python3 make_checkpoints.py [NAME...]
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from random_checkpoints import main  # noqa: E402

# Four heads of 16 for a hidden size of 32.
QWEN3 = {"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "attention_dropout": 0.0, "bos_token_id": 1,
         "eos_token_id": 2, "head_dim": 16, "hidden_act": "silu", "hidden_size": 32, "initializer_range": 0.02,
         "intermediate_size": 48, "max_position_embeddings": 128, "num_attention_heads": 4, "num_key_value_heads": 2,
         "rms_norm_eps": 1e-6, "use_cache": True, "vocab_size": 128}

CHECKPOINTS = {
    "tied_f32": QWEN3 | {
        "num_hidden_layers": 2, "attention_bias": False, "max_window_layers": 2, "rope_scaling": None,
        "rope_theta": 1000000, "sliding_window": None, "tie_word_embeddings": True, "torch_dtype": "float32",
        "use_sliding_window": False},
    "yarn_untied_bf16": QWEN3 | {
        "num_hidden_layers": 2, "attention_bias": False, "max_window_layers": 2, "rope_theta": 10000,
        "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32},
        "sliding_window": None, "tie_word_embeddings": False, "torch_dtype": "bfloat16", "use_sliding_window": False},
    # q, k, v and o have a bias; the last two layers see 8 positions.
    "bias_window8_saved_bf16": QWEN3 | {
        "num_hidden_layers": 3, "attention_bias": True, "max_window_layers": 1, "rope_theta": 10000.0,
        "sliding_window": 8, "tie_word_embeddings": False, "torch_dtype": "bfloat16", "use_sliding_window": True},
}

if __name__ == "__main__":
    main(__file__, CHECKPOINTS)
