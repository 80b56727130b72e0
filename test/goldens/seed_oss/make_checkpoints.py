#!/usr/bin/env python3
"""Makes the tiny random checkpoints of this folder and their golden.json (see ../README.md).

    python3 make_checkpoints.py [NAME...]
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from random_checkpoints import main  # noqa: E402

SEED_OSS = {"architectures": ["SeedOssForCausalLM"], "model_type": "seed_oss", "attention_dropout": 0.1,
            "bos_token_id": 1, "eos_token_id": 2, "head_dim": 16, "hidden_act": "silu", "hidden_size": 32,
            "initializer_range": 0.02, "intermediate_size": 48, "max_position_embeddings": 128,
            "num_attention_heads": 4, "num_hidden_layers": 2, "num_key_value_heads": 2, "pad_token_id": 0,
            "residual_dropout": 0.1, "rms_norm_eps": 1e-6, "rope_scaling": {"rope_type": "default"},
            "rope_theta": 10000.0, "tie_word_embeddings": False, "use_cache": True, "vocab_size": 128}

CHECKPOINTS = {
    # q, k and v have a bias, o has none.
    "qkv_bias_f16": SEED_OSS | {
        "attention_bias": True, "attention_out_bias": False, "mlp_bias": False, "torch_dtype": "float16"},
    "out_bias_saved_bf16": SEED_OSS | {
        "attention_bias": False, "attention_out_bias": True, "mlp_bias": True, "torch_dtype": "bfloat16"},
}

if __name__ == "__main__":
    main(__file__, CHECKPOINTS)
