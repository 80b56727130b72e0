"""How fast it is: the benchmark of random weights, and other programs' figures on the same shapes."""
import json
import pathlib
import sys

from report import last_json

# Arguments of `quipu bench`. The last two differ only in whether each kernel says to the host that it has begun.
UNMARKED = "--no-launch-marks"
RUNS = [["-p", "512", "-n", "64"], ["-p", "2048", "-n", "0"], ["-p", "0", "-n", "64", "--sequences", "8"],
        ["-p", "0", "-n", "64", "--context", "2048"], ["-p", "0", "-n", "64", "--context", "2048", UNMARKED]]
REPEATS = "3"
BENCH_SECONDS = 60  # a run; weights are made and sent anew in each


def describe(figure):
    parts = []
    if "prompt_tokens_per_s" in figure:
        parts.append(f"prompt {figure['prompt_tokens']}: {figure['prompt_tokens_per_s']:.0f} tokens/s")
    if "decode_tokens_per_s" in figure:
        share = figure.get("decode_share_of_bandwidth")
        parts.append(f"decode of {figure['decode_sequences']} after {figure['decode_context']}: "
                     f"{figure['decode_tokens_per_s']:.1f} tokens/s" +
                     (f", {100 * share:.1f} % of {figure['probed_copy_bytes_per_s'] / 1e9:.0f} GB/s copied"
                      if share and "probed_copy_bytes_per_s" in figure else ""))
    return "; ".join(parts)


def cost_of_marks(figures, unmarked):
    """What a step takes longer with marks, where the same was measured with them."""
    same = ("decode_sequences", "decode_context", "decode_tokens")
    marked = [figure for figure in figures if figure["launch_marks"] and all(figure.get(key) == unmarked.get(key) for key in same)]
    if unmarked["launch_marks"] or not marked:
        return ""
    with_marks, without = (figure["decode_sequences"] / figure["decode_tokens_per_s"] for figure in (marked[-1], unmarked))
    return f"; with marks a step takes {1e6 * (with_marks - without):+.1f} us ({100 * (with_marks / without - 1):+.2f} %)"


def bench(machine, manifest, results):
    for shape in manifest["shapes"]:
        for arguments in RUNS:
            what = f"{shape['name']} {' '.join(arguments)}"
            if machine.seconds_left() < 15:
                results.add("benchmark", what, "left out", "no time is left")
                continue
            status, output, said = machine.run(
                "bench", machine.folder / shape["artifact"], "--device", machine.device, "--random-weights", "-r",
                REPEATS, *arguments, "--json", timeout=BENCH_SECONDS)
            figure = last_json(output)
            if status != 0 or figure is None:
                results.check("benchmark", what, said)
                continue
            figure["launch_marks"] = UNMARKED not in arguments
            figures = shape.setdefault("figures", [])
            results.add("benchmark", what, "figure", describe(figure) + cost_of_marks(figures, figure))
            figures.append(figure)


def prompt_share(shape, peer):
    """Of the speed at which torch's matmuls alone would take the prompt."""
    for figure in shape.get("figures", []):
        if figure.get("prompt_tokens") == peer["prompt_tokens"]:
            ours = figure["prompt_tokens"] / figure["prompt_tokens_per_s"]
            return f"; Quipu's prompt of {peer['prompt_tokens']} runs at {100 * peer['matmul_seconds'] / ours:.1f} % of that"
    return ""


def torch(machine, manifest, results):
    script = pathlib.Path(__file__).parent / "torch_peer.py"
    for shape in manifest["shapes"]:
        if machine.seconds_left() < 30:
            results.add("torch", shape["name"], "left out", "no time is left")
            continue
        status, output, said = machine.run(script, json.dumps(shape["config"]), program=[sys.executable, "-B"],
                                           packed=False)
        peers = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
        for peer in peers:
            if "matmul_seconds" in peer:
                results.add("torch", f"{shape['name']} matmuls of a prompt of {peer['prompt_tokens']}", "figure",
                            f"{peer['matmul_flops'] / 1e12:.0f} TFLOP/s{prompt_share(shape, peer)}")
            else:
                results.add("torch", f"{shape['name']} transformers {peer['version']}, torch.compile, decode", "figure",
                            f"{peer['decode_tokens_per_s']:.1f} tokens/s")
        if status != 0:
            results.add("torch", shape["name"], "left out", said)
