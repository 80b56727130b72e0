#!/usr/bin/env python3
"""Makes the tiny random checkpoints of this folder and their golden.json (see ../README.md).

    python3 make_checkpoints.py [NAME...]
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from random_checkpoints import main  # noqa: E402

# Queries grow with the logarithm of how often the original context, here 8, lies behind them. Heads of 16 for 32.
TEXT = {"model_type": "ministral3", "attention_dropout": 0.0, "bos_token_id": 1, "eos_token_id": 2, "head_dim": 16,
        "hidden_act": "silu", "hidden_size": 32, "initializer_range": 0.02, "intermediate_size": 48,
        "max_position_embeddings": 128, "num_attention_heads": 4, "num_hidden_layers": 2, "num_key_value_heads": 2,
        "rms_norm_eps": 1e-5, "sliding_window": None, "use_cache": True, "vocab_size": 128,
        "rope_parameters": {"beta_fast": 32.0, "beta_slow": 1.0, "factor": 16.0, "llama_4_scaling_beta": 0.4,
                            "mscale": 1.0, "mscale_all_dim": 1.0, "original_max_position_embeddings": 8,
                            "rope_theta": 10000.0, "rope_type": "yarn", "type": "yarn"}}

CHECKPOINTS = {
    # With 120 tokens the weights drawn stand rounded inputs of matrices as well.
    "untied_saved_bf16": TEXT | {"vocab_size": 120,
        "architectures": ["Ministral3ForCausalLM"], "tie_word_embeddings": False, "torch_dtype": "bfloat16"},
    # As published: the text model in its wrapper with images.
    "wrapped_tied_bf16": {
        "architectures": ["Mistral3ForConditionalGeneration"], "model_type": "mistral3", "dtype": "bfloat16",
        "image_token_index": 10, "multimodal_projector_bias": False, "projector_hidden_act": "gelu",
        "spatial_merge_size": 2, "vision_feature_layer": -1, "tie_word_embeddings": True,
        "text_config": TEXT | {"tie_word_embeddings": True},
        "vision_config": {"head_dim": 8, "hidden_act": "silu", "hidden_size": 8, "image_size": 8,
                          "intermediate_size": 8, "model_type": "pixtral", "num_attention_heads": 1,
                          "num_channels": 3, "num_hidden_layers": 1, "patch_size": 4,
                          "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}}},
}

if __name__ == "__main__":
    main(__file__, CHECKPOINTS)
