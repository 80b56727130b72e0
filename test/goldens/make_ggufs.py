#!/usr/bin/env python3
"""Writes model.gguf beside golden.json: the same weights, by llama.cpp's converter.

    python3 make_ggufs.py --llama-cpp DIR [FAMILY/NAME...]        DIR has convert_hf_to_gguf.py

The converter runs as it is but for the vocabulary: the checkpoints have no tokenizer, so that it is given a byte-level
BPE of as many tokens as the model has, which it would not know by its hash. A copy of the checkpoint is made to suit it
(`suit`). Matrices keep their type, gains are f32. Needs torch, transformers, safetensors, tokenizers and what the
converter needs. NOT_WRITTEN says what has no GGUF and why.
"""

import argparse
import json
import pathlib
import shutil
import sys
import tempfile

import tokenizers
import torch
from safetensors.torch import load_file, save_file

HERE = pathlib.Path(__file__).resolve().parent
TYPES = {"float32": "f32", "float16": "f16", "bfloat16": "bf16"}
SPECIAL = ["<pad>", "<s>", "</s>"]
NOT_WRITTEN = {
    "arcee/bias_tied_saved_bf16": "the arcee architecture of GGUF has no biases",
    "cohere2/pattern2_bias_saved_bf16": "the cohere2 architecture of GGUF has no biases, and its pattern is 4",
    "exaone4/full_tied_saved_bf16": "llama.cpp takes no head_dim of its own there",
    "gemma2/scalar_saved_f32": "GGUF has no key for query_pre_attn_scalar: only a 27B model has another scale",
    "gemma3/scalar_linear_saved_f32": "GGUF has no key for query_pre_attn_scalar: only a 27B model has another scale",
    "gpt2/inverse_layer_untied_saved_bf16": "GGUF has no key for scale_attn_by_inverse_layer_idx",
    "gpt_neox/no_bias_tied_saved_bf16": "the gptneox architecture of GGUF has biases, and the converter wants rotary_pct",
    "granite/tied_f32": "nothing that bias_untied_saved_bf16 has not but the tied weights",
    "llama/mha_sharded_f32": "nothing that gqa_tied_f32 has not",
    "llama/mistral_window8_bf16": "the llama architecture of GGUF has no window",
    "olmo2/mha_f32": "nothing that gqa_saved_bf16 has not",
    "olmo3/pattern_yarn_saved_bf16": "llama.cpp reads one base for both kinds of layers",
    "phi/qk_norm_gqa_saved_f32": "the phi2 architecture of GGUF has no norm of q and k",
    "qwen2/window8_bf16": "the qwen2 architecture of GGUF has no window",
    "qwen3/bias_window8_saved_bf16": "the qwen3 architecture of GGUF has neither bias nor window",
    "seed_oss/out_bias_saved_bf16": "the seed_oss architecture of GGUF has no such biases",
    "smollm3/list_window8_bias_saved_bf16": "the smollm3 architecture of GGUF has neither biases, window nor list",
    "starcoder2/bias_window8_tied_f32": "the starcoder2 architecture of GGUF has no window",
    "starcoder2/no_bias_saved_bf16": "the starcoder2 architecture of GGUF has no window",
}


def write_tokenizer(folder, size):
    """Single characters of ASCII first, as GPT-2 spells them, then pairs with a space until `size` tokens are there:
    one at least, for llama.cpp takes no vocabulary without."""
    characters = ["\u0120"] + [chr(code) for code in range(33, 127)]
    tokens = SPECIAL + characters[:size - len(SPECIAL) - 1]
    merges = [("\u0120", c) for c in characters[1:]][:size - len(tokens)]
    tokens += ["".join(pair) for pair in merges]
    model = tokenizers.models.BPE({token: i for i, token in enumerate(tokens)}, merges)
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.save(str(folder / "tokenizer.json"))  # for the merges
    names = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(names))
    return tokens


def suit(folder):
    """What this version of the converter stumbles over: saved masks, and the gains of heads that it means to stack."""
    for path in folder.glob("*.safetensors"):
        tensors = load_file(path)
        kept = {name: tensor for name, tensor in tensors.items() if not name.endswith((".attn.bias", ".attention.bias"))}
        for name in [name for name in kept if name.endswith("_layernorm.norms.0.weight")]:
            norm = name.removesuffix(".norms.0.weight")
            heads = sum(other.startswith(norm) for other in kept)
            kept[f"{norm}.weight"] = torch.stack([kept.pop(f"{norm}.norms.{head}.weight") for head in range(heads)])
        save_file(kept, path, {"format": "pt"})


def keep_keys(load_hparams):
    """With the keys of config.json beside those that today's transformers makes of them: some are read by old names."""
    def load(folder, is_mistral_format):
        given = json.loads((folder / "config.json").read_text())
        return given | load_hparams(folder, is_mistral_format)
    return load


def subclasses(kind):
    return [each for child in kind.__subclasses__() for each in (child, *subclasses(child))]


def convert(checkpoint):
    import convert_hf_to_gguf
    import gguf
    from conversion.base import TextModel
    config = json.loads((checkpoint / "config.json").read_text())
    text = config.get("text_config", config)
    dtype = config.get("torch_dtype") or config.get("dtype") or text["dtype"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary) / "tiny"  # its name becomes that of the model
        shutil.copytree(checkpoint, folder, ignore=shutil.ignore_patterns("golden.json", "*.gguf"))
        suit(folder)
        tokens = write_tokenizer(folder, text["vocab_size"])
        types = [gguf.TokenType.CONTROL if token in SPECIAL else gguf.TokenType.NORMAL for token in tokens]
        convert_hf_to_gguf.get_model_class(config["architectures"][0])  # imports its class, which others may lie in
        TextModel.get_vocab_base = lambda self: (tokens, types, "gpt-2")
        for kind in subclasses(TextModel):
            kind.set_vocab = lambda self: self._set_vocab_gpt2()
        sys.argv = ["convert_hf_to_gguf", str(folder), "--outfile", str(checkpoint / "model.gguf"), "--outtype", TYPES[dtype]]
        convert_hf_to_gguf.main()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--llama-cpp", type=pathlib.Path, required=True, metavar="DIR")
    parser.add_argument("names", nargs="*", metavar="FAMILY/NAME")
    args = parser.parse_args()
    sys.path.insert(0, str(args.llama_cpp))
    from conversion.base import ModelBase
    ModelBase.load_hparams = staticmethod(keep_keys(ModelBase.load_hparams))
    every = [str(path.parent.relative_to(HERE)) for path in sorted(HERE.glob("*/*/config.json"))]
    for name in args.names or [name for name in every if name not in NOT_WRITTEN]:
        convert(HERE / name)
        size = (HERE / name / "model.gguf").stat().st_size
        print(f"{name}: {size} bytes", flush=True)


if __name__ == "__main__":
    main()
