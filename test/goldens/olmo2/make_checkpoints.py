#!/usr/bin/env python3
"""Makes the tiny random checkpoints of this folder and their golden.json (see ../README.md).

    python3 make_checkpoints.py [NAME...]
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from random_checkpoints import main  # noqa: E402

# Norms stand behind attention and MLP; q and k have one over all heads.
OLMO2 = {"architectures": ["Olmo2ForCausalLM"], "model_type": "olmo2", "attention_bias": False,
         "attention_dropout": 0.0, "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 32,
         "initializer_range": 0.02, "intermediate_size": 48, "max_position_embeddings": 128, "num_attention_heads": 4,
         "num_hidden_layers": 2, "pad_token_id": 0, "rms_norm_eps": 1e-6, "rope_scaling": None, "rope_theta": 500000.0,
         "use_cache": True, "vocab_size": 128}

CHECKPOINTS = {
    "mha_f32": OLMO2 | {"num_key_value_heads": 4, "tie_word_embeddings": False, "torch_dtype": "float32"},
    # As the 32B model.
    "gqa_saved_bf16": OLMO2 | {"num_key_value_heads": 2, "tie_word_embeddings": False, "torch_dtype": "bfloat16"},
}

if __name__ == "__main__":
    main(__file__, CHECKPOINTS)
