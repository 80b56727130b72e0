"""--pack: everything that a machine with a GPU needs, made where Quipu is built."""
import datetime
import json
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED_DATA = pathlib.Path(os.environ.get("QUIPU_SHARED_DATA") or ROOT.parent / "shared" / "data")
CXX_LIBRARIES = ("libstdc++.so", "libgcc_s.so")
SYSTEM_LIBRARIES = ("libc.so", "libm.so", "ld-linux", "linux-vdso", "libdl.so", "libpthread.so", "librt.so")
LARGEST_CHECK = 256 << 10  # bytes; the whole table is some 60 MiB larger
MOST_BYTES = 64 << 20      # of the folder
STORAGES = {"demo": ("bf16",)}  # where not both: the largest
STEPS = {"simt": 6}        # greedy steps on devices that are slow

# What decides the time of a step, as in config.json.
LLAMA = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "rms_norm_eps": 1e-5,
         "rope_theta": 500000.0, "vocab_size": 128256, "max_position_embeddings": 131072, "torch_dtype": "bfloat16",
         "attention_bias": False, "mlp_bias": False, "num_attention_heads": 32, "num_key_value_heads": 8,
         "bos_token_id": 128000, "eos_token_id": 128001}
SHAPES = {
    "Llama-3.2-1B": LLAMA | {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "head_dim": 64,
                             "tie_word_embeddings": True},
    "Llama-3.1-8B": LLAMA | {"hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "head_dim": 128,
                             "tie_word_embeddings": False},
}
SHAPE_LIMITS = ["--max-context", "4096", "--max-sequences", "8", "--max-batch-tokens", "2048"]


class Failure(Exception):
    pass


def run(*command):
    ran = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if ran.returncode:
        raise Failure(f"{' '.join(map(str, command))}: {ran.stderr.decode(errors='replace').strip()}")
    return ran.stdout.decode(errors="replace")


def require_built(build):
    needed = {"bin/quipu": "quipu", "lib/libquipu.so.0": "libquipu", "bin/gpu-conformance-artifact": "gpu-conformance-artifact"}
    missing = [target for path, target in needed.items() if not (build / path).exists()]
    if missing:
        raise Failure(f"{build} lacks {', '.join(missing)}; make it so with tools/build release {' '.join(missing)}")


def add_programs(folder, build):
    """The command and the library, stripped, with the shared libraries that a bare system may lack."""
    programs = {build / "bin" / "quipu": folder / "bin" / "quipu",
                build / "lib" / "libquipu.so.0": folder / "lib" / "libquipu.so.0"}
    for part in ("bin", "lib", "lib/c++"):
        (folder / part).mkdir()
    for source, target in programs.items():
        shutil.copy(source.resolve(), target)
        run("strip", target)
        for line in run("ldd", source).splitlines():
            words = line.split()
            if "=>" in words and not words[0].startswith(SYSTEM_LIBRARIES):
                part = "lib/c++" if words[0].startswith(CXX_LIBRARIES) else "lib"
                shutil.copy(pathlib.Path(words[2]).resolve(), folder / part / words[0])
    shutil.copy(ROOT / "tools" / "gpu-check", folder / "gpu-check")
    shutil.copytree(ROOT / "tools" / "gpu", folder / "gpu", ignore=shutil.ignore_patterns("pack.py", "__pycache__"))


def golden_models():
    """Name, folder and goldens of the models that are here."""
    goldens = ROOT / "test" / "goldens"
    models = [(path.parent.name, path.parent, path) for path in sorted(goldens.glob("llama/*/golden.json"))]
    models.append(("demo", ROOT / "models" / "demo", goldens / "demo" / "golden.json"))
    stories = SHARED_DATA / "models" / "stories260k"
    if (stories / "golden.json").is_file():
        models.append((stories.name, stories, stories / "golden.json"))
    return models


def add_goldens(folder, build, target, names):
    models = [model for model in golden_models() if names is None or model[0] in names]
    unknown = set(names or ()) - {model[0] for model in models}
    if unknown:
        raise Failure(f"there is no golden model {', '.join(sorted(unknown))} here")
    rows = []
    for name, checkpoint, golden in models:
        for storage in STORAGES.get(name, ("f32", "bf16")):
            artifact = f"{name}-{storage}.qpu"
            print(f"golden {name} {storage}", flush=True)
            run(build / "bin" / "quipu", "compile", checkpoint, "-o", folder / artifact, "--target", target,
                "--storage", storage)
            rows.append({"name": name, "storage": storage, "artifact": artifact,
                         "steps": STEPS.get(target.split(":")[0], 64), "cases": json.loads(golden.read_text())["cases"]})
    return rows


def tensors(config):
    """Names and shapes of a Llama's weights."""
    hidden, inner, dim = config["hidden_size"], config["intermediate_size"], config["head_dim"]
    queries, keys = config["num_attention_heads"] * dim, config["num_key_value_heads"] * dim
    yield "model.embed_tokens.weight", [config["vocab_size"], hidden]
    for layer in range(config["num_hidden_layers"]):
        for name, shape in [("input_layernorm", [hidden]), ("post_attention_layernorm", [hidden]),
                            ("self_attn.q_proj", [queries, hidden]), ("self_attn.k_proj", [keys, hidden]),
                            ("self_attn.v_proj", [keys, hidden]), ("self_attn.o_proj", [hidden, queries]),
                            ("mlp.gate_proj", [inner, hidden]), ("mlp.up_proj", [inner, hidden]),
                            ("mlp.down_proj", [hidden, inner])]:
            yield f"model.layers.{layer}.{name}.weight", shape
    yield "model.norm.weight", [hidden]
    if not config["tie_word_embeddings"]:
        yield "lm_head.weight", [config["vocab_size"], hidden]


def write_empty_checkpoint(folder, config):
    """A checkpoint whose file has a header and holes: its weights are never read."""
    header, end = {}, 0
    for name, shape in tensors(config):
        begin, end = end, end + 2 * shape[0] * (shape[1] if len(shape) == 2 else 1)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (folder / "config.json").write_text(json.dumps(config))
    with open(folder / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)


def add_shapes(folder, build, target):
    rows = []
    for name, config in SHAPES.items():
        print(f"shape {name}", flush=True)
        artifact = f"{name}.qpu"
        with tempfile.TemporaryDirectory() as checkpoint:
            write_empty_checkpoint(pathlib.Path(checkpoint), config)
            run(build / "bin" / "quipu", "compile", checkpoint, "-o", folder / artifact, "--target", target, "--storage",
                "bf16", "--weights", "none", *SHAPE_LIMITS)
        rows.append({"name": name, "artifact": artifact, "config": config})
    return rows


def pack_into(folder, options):
    build = (options.build or ROOT / "build" / "release").resolve()
    if folder.exists() and any(folder.iterdir()):
        raise Failure(f"{folder} is not empty; name a folder to make")
    require_built(build)
    folder.mkdir(parents=True, exist_ok=True)
    add_programs(folder, build)
    print("conformance", flush=True)
    run(build / "bin" / "gpu-conformance-artifact", "--target", options.target, "--only", options.only, "--largest",
        LARGEST_CHECK, "-o", folder / "conformance.qpu")
    names = None if options.goldens is None else set(filter(None, options.goldens.split(",")))
    manifest = {"target": options.target, "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
                "commit": run("git", "-C", ROOT, "rev-parse", "--short", "HEAD").strip(),
                "conformance": "conformance.qpu", "goldens": add_goldens(folder, build, options.target, names),
                "shapes": [] if options.no_shapes else add_shapes(folder, build, options.target)}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if size > MOST_BYTES:
        raise Failure(f"{folder} has {size >> 20} MiB, more than {MOST_BYTES >> 20}; take fewer kernels with --only")
    print(f"{folder}: {size / 2**20:.1f} MiB for {options.target}; there: {folder.name}/gpu-check {folder.name} --device "
          f"{options.target.split(':')[0]}")


def pack(options):
    try:
        pack_into(options.pack.resolve(), options)
    except (Failure, OSError) as failure:
        print(f"gpu-check: {failure}")
        return 1
    return 0
