#!/usr/bin/env python3
"""Trains the bundled model: a small Llama that writes lines of a play.

    python3 train.py --text tinyshakespeare.txt --out . [--minutes 60]

Reads a text whose paragraphs are speeches ("NAME:" and lines under it), trains a byte-level BPE tokenizer and the
model on all but the tail of it, and writes a directory in Hugging Face layout in bf16. The tail is held out: the loss
reported is on it. The corpus is so small that the model could learn it by heart, so training is mostly a fight against
that: dropout, weight decay, windows that start at another speech in every epoch, and BPE dropout, which spells the
same words with other tokens, much in the first part of the run and little in the last. (A little must stay: it is how
the model learns that a prompt ending in ":" goes on as one with the token ":\\n" does.) The best checkpoint on the
held-out tail is kept.

Needs torch, transformers and tokenizers; none of them is needed to build, compile or run the model.
"""

import argparse
import json
import math
import pathlib
import random
import time

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM

SEED = 1616
BOS, EOS = "<|begin_of_text|>", "<|end_of_text|>"
VOCAB = 2048
CONTEXT = 512
HELD_OUT = 0.05
FIRST_PART = 0.65  # of the run: short windows, which cost less attention, and more BPE dropout
WINDOW = (256, CONTEXT)
BPE_DROPOUT = (0.1, 0.02)

# The pre-tokenizer regex of Llama 3.
WORDS = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
         r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")

CONFIG = dict(hidden_size=192, intermediate_size=512, num_hidden_layers=6, num_attention_heads=6,
              num_key_value_heads=2, head_dim=32, vocab_size=VOCAB, max_position_embeddings=CONTEXT,
              rms_norm_eps=1e-5, rope_theta=10000.0, hidden_act="silu", tie_word_embeddings=True,
              attention_bias=False, mlp_bias=False, bos_token_id=0, eos_token_id=1)


def speeches_of(text):
    return [speech + "\n\n" for speech in text.split("\n\n")]


def train_tokenizer(text):
    tokenizer = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(WORDS), behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(speeches_of(text), trainers.BpeTrainer(
        vocab_size=VOCAB, special_tokens=[BOS, EOS], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False))
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(single=f"{BOS} $A", pair=f"{BOS} $A {BOS} $B",
                                      special_tokens=[(BOS, tokenizer.token_to_id(BOS))])])
    return tokenizer


class Windows:
    """One epoch: the text's speeches in order from a random one on, cut into windows that each begin with BOS."""

    def __init__(self, text, tokenizer):
        self.speeches = speeches_of(text)
        self.tokenizer = tokenizer

    def epoch(self, length, bpe_dropout, rng):
        self.tokenizer.model.dropout = bpe_dropout or None
        encoded = [e.ids for e in self.tokenizer.encode_batch(self.speeches, add_special_tokens=False)]
        self.tokenizer.model.dropout = None
        first = rng.randrange(len(encoded))
        stream = [i for ids in encoded[first:] + encoded[:first] for i in ids]
        windows = [stream[at:at + length] for at in range(0, len(stream) - length + 1, length)]
        rng.shuffle(windows)
        if not windows:
            raise SystemExit(f"text too short: {len(stream)} tokens, a window needs {length}")
        return torch.tensor([[CONFIG["bos_token_id"]] + w for w in windows])


def add_dropout(model, p):
    """Llama has no dropout of its own; this drops from what each block adds to the residual stream, and embeddings."""

    def drop(module, _inputs, output):
        first = output[0] if isinstance(output, tuple) else output
        first = F.dropout(first, p, training=module.training)
        return (first, *output[1:]) if isinstance(output, tuple) else first

    model.model.embed_tokens.register_forward_hook(drop)
    for layer in model.model.layers:
        layer.self_attn.register_forward_hook(drop)
        layer.mlp.register_forward_hook(drop)


def loss_of(model, batch, reduction="mean"):
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(input_ids=batch[:, :-1], use_cache=False).logits
    return F.cross_entropy(logits.float().flatten(0, 1), batch[:, 1:].flatten(), reduction=reduction)


def held_out_loss(model, windows):
    """Nats per token over windows that start with BOS."""
    model.eval()
    with torch.no_grad():
        total = sum(loss_of(model, batch, "sum").item() for batch in windows.split(8))
    model.train()
    return total / windows[:, 1:].numel()


def make_optimizers(model):
    """Muon for the matrices of the layers needs about half of AdamW's steps; embeddings and norms stay with AdamW."""
    layers = [p for n, p in model.named_parameters() if p.dim() == 2 and "embed" not in n]
    rest = [p for n, p in model.named_parameters() if p.dim() != 2 or "embed" in n]
    return (torch.optim.Muon(layers, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(rest, betas=(0.9, 0.98), weight_decay=0.01))


def train(args, train_text, held_out_text, tokenizer):
    torch.manual_seed(SEED)
    rng = random.Random(SEED)
    model = LlamaForCausalLM(LlamaConfig(**CONFIG, initializer_range=0.02))
    for name, p in model.named_parameters():  # GPT-2's scaling of what is added to the residual stream
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            p.data /= math.sqrt(2 * CONFIG["num_hidden_layers"])
    add_dropout(model, args.dropout)
    optimizers = make_optimizers(model)
    data = Windows(train_text, tokenizer)
    held_out = Windows(held_out_text, tokenizer).epoch(CONTEXT, 0, random.Random(0))
    bytes_per_token = len(held_out_text.encode()) / len(tokenizer.encode(held_out_text, add_special_tokens=False))
    steps_per_epoch = data.epoch(CONTEXT, 0, random.Random(0)).numel() // args.batch
    total, warmup = steps_per_epoch * args.epochs, steps_per_epoch
    best, step, start = math.inf, 0, time.time()
    print(f"{sum(p.numel() for p in model.parameters())} parameters, {total} steps", flush=True)
    done = 0.0  # share of the run
    for epoch in range(args.epochs):
        part = int(done >= FIRST_PART)
        windows = data.epoch(WINDOW[part], BPE_DROPOUT[part], rng)
        sum_loss, batches = 0.0, windows.split(args.batch // WINDOW[part])[:-1]
        for batch in batches:
            done = min(1.0, max(step / total, (time.time() - start) / (60 * args.minutes)))
            scale = min((step + 1) / warmup, 0.5 * (1 + math.cos(math.pi * done)) * 0.97 + 0.03)
            loss = loss_of(model, batch)
            model.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for optimizer in optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = args.lr * scale
                optimizer.step()
            sum_loss += loss.item()
            step += 1
        now = held_out_loss(model, held_out)
        print(f"epoch {epoch + 1}/{args.epochs} {time.time() - start:.0f} s: train {sum_loss / len(batches):.3f}, "
              f"held out {now:.4f} ({now / bytes_per_token:.4f} per byte)", flush=True)
        if now < best:
            best = now
            save(args.out, model, tokenizer)
        if done == 1.0:
            break
    return best


def save(out, model, tokenizer):
    """config.json is written by hand in the spelling that every reader knows, not only the newest transformers."""
    out.mkdir(parents=True, exist_ok=True)
    state = {n: p.detach().to(torch.bfloat16) for n, p in model.state_dict().items() if n != "lm_head.weight"}
    save_file(state, out / "model.safetensors", {"format": "pt"})
    (out / "model.safetensors").chmod(0o644)
    tokenizer.save(str(out / "tokenizer.json"))

    def write(name, value):
        (out / name).write_text(json.dumps(value, indent=2) + "\n")

    write("config.json", {"architectures": ["LlamaForCausalLM"], "model_type": "llama", **CONFIG,
                          "torch_dtype": "bfloat16"})
    write("generation_config.json", {"bos_token_id": 0, "eos_token_id": 1})
    write("tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": BOS, "eos_token": EOS,
                                    "add_bos_token": True, "clean_up_tokenization_spaces": False,
                                    "model_max_length": CONTEXT})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=math.inf,
                        help="bring the learning rate down by then, however many epochs that makes")
    parser.add_argument("--batch", type=int, default=4096, help="tokens a step")
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    text = args.text.read_text()
    cut = text.index("\n\n", int(len(text) * (1 - HELD_OUT))) + 2
    tokenizer = train_tokenizer(text[:cut])
    best = train(args, text[:cut], text[cut:], tokenizer)
    print(f"best held-out loss {best:.4f} nats per token")


if __name__ == "__main__":
    main()
