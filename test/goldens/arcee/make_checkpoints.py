#!/usr/bin/env python3
"""Makes the tiny random checkpoints of this folder and their golden.json (see ../README.md).

    python3 make_checkpoints.py [NAME...]
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from random_checkpoints import main  # noqa: E402

# The MLP has no gate: up, the square of what is positive, down.
ARCEE = {"architectures": ["ArceeForCausalLM"], "model_type": "arcee", "attention_dropout": 0.0, "bos_token_id": 1,
         "eos_token_id": 2, "head_dim": 16, "hidden_act": "relu2", "hidden_size": 32, "initializer_range": 0.02,
         "intermediate_size": 64, "max_position_embeddings": 128, "num_attention_heads": 4, "num_hidden_layers": 2,
         "num_key_value_heads": 2, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "use_cache": True, "vocab_size": 128}

CHECKPOINTS = {
    "yarn_f16": ARCEE | {
        "attention_bias": False, "mlp_bias": False, "tie_word_embeddings": False, "torch_dtype": "float16",
        "rope_scaling": {"beta_fast": 32.0, "beta_slow": 1.0, "factor": 4.0, "mscale": 1.0,
                         "original_max_position_embeddings": 32, "rope_type": "yarn", "type": "yarn"}},
    "bias_tied_saved_bf16": ARCEE | {
        "attention_bias": True, "mlp_bias": True, "rope_scaling": None, "tie_word_embeddings": True,
        "torch_dtype": "bfloat16"},
}

if __name__ == "__main__":
    main(__file__, CHECKPOINTS)
