"""torch_peer.py CONFIG: what torch reaches on a Llama of random bf16 weights, as lines of JSON: the matmuls of a prompt
one by one, and greedy decoding by Hugging Face transformers with a static cache and torch.compile."""
import json
import sys
import time

import torch

PROMPT, NEW_TOKENS = 2048, 64


def seconds_of(work, rounds=20):
    for _ in range(3):
        work()
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    for _ in range(rounds):
        work()
    end.record()
    torch.cuda.synchronize()
    return begin.elapsed_time(end) * 1e-3 / rounds


def matmuls(config):
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    dim = config.get("head_dim") or hidden // config["num_attention_heads"]
    queries = config["num_attention_heads"] * dim
    shapes = [(queries + 2 * config["num_key_value_heads"] * dim, hidden), (hidden, queries), (2 * inner, hidden),
              (hidden, inner)]
    seconds = flops = 0
    for n, k in shapes:
        x, w = (torch.randn(rows, k, device="cuda", dtype=torch.bfloat16) for rows in (PROMPT, n))
        seconds += config["num_hidden_layers"] * seconds_of(lambda: torch.nn.functional.linear(x, w))
        flops += config["num_hidden_layers"] * 2 * PROMPT * n * k
    return {"prompt_tokens": PROMPT, "matmul_seconds": seconds, "matmul_flops": flops / seconds}


def decode(config):
    import transformers
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda"):
        model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**config)).eval()
    ids = torch.randint(0, config["vocab_size"], (1, 8), device="cuda")
    times = []

    class Clock(transformers.StoppingCriteria):
        def __call__(self, input_ids, scores, **_):
            torch.cuda.synchronize()
            times.append(time.perf_counter())
            return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)

    for _ in range(3):  # compiled and warm in the last
        times.clear()
        with torch.inference_mode():
            model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=NEW_TOKENS, min_new_tokens=NEW_TOKENS,
                           do_sample=False, cache_implementation="static", pad_token_id=0,
                           stopping_criteria=transformers.StoppingCriteriaList([Clock()]))
    steps = sorted(after - before for before, after in zip(times, times[1:]))
    return {"version": transformers.__version__, "decode_tokens_per_s": 1 / steps[len(steps) // 2]}


settings = json.loads(sys.argv[1])
for part in (matmuls, decode):
    print(json.dumps(part(settings)), flush=True)
