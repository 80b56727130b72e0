#!/usr/bin/env python3
"""Makes the tiny random checkpoints of this folder and their golden.json (see ../README.md).

    python3 make_checkpoints.py [NAME...]
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from random_checkpoints import main  # noqa: E402

# Norms before and behind attention and MLP; of a head's features the first half turn, neighbours together.
GLM4 = {"architectures": ["Glm4ForCausalLM"], "model_type": "glm4", "attention_dropout": 0.0, "bos_token_id": 1,
        "eos_token_id": [2, 3], "head_dim": 16, "hidden_act": "silu", "hidden_size": 32, "initializer_range": 0.02,
        "intermediate_size": 48, "max_position_embeddings": 128, "num_attention_heads": 4, "num_hidden_layers": 2,
        "num_key_value_heads": 2, "pad_token_id": 0, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "use_cache": True,
        "vocab_size": 128}

CHECKPOINTS = {
    "bias_bf16": GLM4 | {
        "attention_bias": True, "partial_rotary_factor": 0.5, "tie_word_embeddings": False, "torch_dtype": "bfloat16"},
    # As the 32B model.
    "no_bias_saved_f16": GLM4 | {
        "attention_bias": False, "partial_rotary_factor": 0.25, "tie_word_embeddings": False,
        "torch_dtype": "float16"},
}

if __name__ == "__main__":
    main(__file__, CHECKPOINTS)
