#!/usr/bin/env python3
"""Makes the tiny random checkpoints of this folder and their golden.json (see ../README.md).

    python3 make_checkpoints.py [NAME...]
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from random_checkpoints import fill_from_model, main  # noqa: E402

# Every sixth layer sees everything and turns by rope_theta, the others see 8 positions and turn by rope_local_base_freq.
TEXT = {"model_type": "gemma3_text", "attention_bias": False, "attention_dropout": 0.0, "attn_logit_softcapping": None,
        "bos_token_id": 1, "cache_implementation": "hybrid", "eos_token_id": 2, "final_logit_softcapping": None,
        "head_dim": 16, "hidden_activation": "gelu_pytorch_tanh", "hidden_size": 32, "initializer_range": 0.02,
        "intermediate_size": 48, "max_position_embeddings": 128, "num_attention_heads": 4, "num_key_value_heads": 1,
        "pad_token_id": 0, "query_pre_attn_scalar": 16, "rms_norm_eps": 1e-6, "rope_local_base_freq": 100.0,
        "rope_scaling": None, "rope_theta": 10000.0, "sliding_window": 8, "use_cache": True, "vocab_size": 128}
GEMMA3 = {"architectures": ["Gemma3ForCausalLM"]} | TEXT
LINEAR = {"factor": 8.0, "rope_type": "linear"}

CHECKPOINTS = {
    "pattern6_bf16": GEMMA3 | {"num_hidden_layers": 7, "sliding_window_pattern": 6, "torch_dtype": "bfloat16"},
    # As in the 27B model: scores are not divided by the square root of head_dim. The caps are for who reads the key.
    "scalar_linear_saved_f32": GEMMA3 | {
        "num_hidden_layers": 2, "query_pre_attn_scalar": 8, "rope_scaling": LINEAR, "num_key_value_heads": 2,
        "layer_types": ["sliding_attention", "full_attention"], "attn_logit_softcapping": 4.0,
        "final_logit_softcapping": 8.0, "torch_dtype": "float32"},
    # The text model in its wrapper with images: 4B and above. What is not of the text is to be passed over.
    "wrapped_linear_bf16": {
        "architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3", "boi_token_index": 120,
        "eoi_token_index": 121, "eos_token_id": [2, 3], "image_token_index": 122, "initializer_range": 0.02,
        "mm_tokens_per_image": 1, "torch_dtype": "bfloat16",
        "text_config": TEXT | {"num_hidden_layers": 6, "rope_scaling": LINEAR, "num_key_value_heads": 2},
        "vision_config": {"hidden_size": 8, "image_size": 4, "intermediate_size": 8, "model_type": "siglip_vision_model",
                          "num_attention_heads": 1, "num_hidden_layers": 1, "patch_size": 4,
                          "vision_use_head": False}},
}


def fill(weights, config):
    """Small embeddings, for they are multiplied, and a large last gain: else each token would be followed by itself."""
    fill_from_model(weights, config, {"embed_tokens": (0.05, 0.0), ".norm.weight": (1.0, 7.0)})


if __name__ == "__main__":
    main(__file__, CHECKPOINTS, fill)
