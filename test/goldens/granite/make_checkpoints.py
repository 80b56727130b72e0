#!/usr/bin/env python3
"""Makes the tiny random checkpoints of this folder and their golden.json (see ../README.md).

    python3 make_checkpoints.py [NAME...]
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from random_checkpoints import fill_from_model, main  # noqa: E402

# None of the four multipliers is what it would be without the key.
GRANITE = {"architectures": ["GraniteForCausalLM"], "model_type": "granite", "attention_dropout": 0.0,
           "attention_multiplier": 0.2, "bos_token_id": 1, "embedding_multiplier": 6.0, "eos_token_id": 2,
           "hidden_act": "silu", "hidden_size": 32, "initializer_range": 0.02, "intermediate_size": 48,
           "logits_scaling": 4.0, "max_position_embeddings": 128, "num_attention_heads": 4, "num_hidden_layers": 2,
           "num_key_value_heads": 2, "pad_token_id": 0, "residual_multiplier": 0.4, "rms_norm_eps": 1e-5,
           "rope_scaling": None, "rope_theta": 10000.0, "use_cache": True, "vocab_size": 128}

CHECKPOINTS = {
    "tied_f32": GRANITE | {
        "attention_bias": False, "mlp_bias": False, "tie_word_embeddings": True, "torch_dtype": "float32"},
    "bias_untied_saved_bf16": GRANITE | {
        "attention_bias": True, "mlp_bias": True, "tie_word_embeddings": False, "torch_dtype": "bfloat16"},
}


def fill(weights, config):
    """Small embeddings, for they are multiplied; large logits, for they are divided."""
    last_gain = (6.0, 30.0) if config["tie_word_embeddings"] else (0.2, 1.0)
    fill_from_model(weights, config, {"embed_tokens": (0.05, 0.0), "lm_head": (1.8, 0.0), "model.norm.weight": last_gain})


if __name__ == "__main__":
    main(__file__, CHECKPOINTS, fill)
