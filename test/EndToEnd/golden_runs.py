"""Checkpoint to text through the command: compile, save, load, run, against float64 goldens of other programs.

Logits of the last prompt position agree to the tolerance of the storage type, relative to the largest; greedy ids are the
golden ones up to the first step whose golden margin is within what that tolerance can turn over.
"""
import json

import case_runner
import checkpoints
from quipu_command import CommandTest

TOLERANCE = {"f32": 1e-4, "f16": 3e-2, "bf16": 3e-2}  # with f16 weights the cache is bf16
# What a CPU must have for a target, by the kernel's names.
TARGETS = {"cpu": set(), "cpu:x86-64-v3": {"avx2", "fma", "bmi2", "f16c"},
           "cpu:x86-64-v4": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}}
# GPU kernels as this CPU runs them, thread by thread: waves of 32 and of 64; f32 arithmetic, and each kind of matrix
# instruction. The logits of the first two goldens, so many tokens after the first, and a prompt of so many golden ids.
SIMT_RUNS = [("sm_90a", "f32"), ("sm_90a", "bf16"), ("sm_90a", "f16"), ("gfx942", "f32"), ("sm_80", "bf16"), ("gfx942", "bf16"),
             ("gfx942", "f16"), ("gfx1100", "bf16")]
SIMT_STEPS = 8
SIMT_PROMPT = 70
OPTIONAL_PASSES = ["join-projections", "fuse-gated-activation", "fuse-matmul-activation", "fuse-matmul-residual",
                   "fuse-norm-matmul", "fuse-rope-kv-append"]


def cpu_flags():
    with open("/proc/cpuinfo") as cpuinfo:
        return next(set(line.split(":")[1].split()) for line in cpuinfo if line.startswith("flags"))


def sure_steps(case, tolerance):
    """Steps of the greedy continuation before the first whose choice is within the tolerance."""
    margin_needed = 2 * tolerance * max(map(abs, case["last_logits"]))
    margins = case.get("greedy_margins")
    if margins is None:
        return len(case["greedy_ids"]) if case["min_top2_margin"] > margin_needed else 0
    return next((step for step, margin in enumerate(margins) if margin <= margin_needed), len(margins))


class GoldenRuns(CommandTest):
    def check_case(self, artifact, case, storage, by_text, threads=1, device="cpu", steps=None):
        logits = self.folder / "logits.npy"
        prompt = ["-p", case["prompt"]] if by_text else ["--prompt-ids", ",".join(map(str, case["prompt_ids"]))]
        steps = steps or len(case["greedy_ids"])
        result = self.run_json("run", artifact, *prompt, "--temperature", "0", "-n", str(steps), "--logits", logits,
                               "--threads", str(threads), "--device", device)
        rows = checkpoints.read_npy(logits)
        self.assertEqual(result["prompt_ids"], case["prompt_ids"])
        self.assertEqual(len(rows), len(result["ids"]))
        self.assertLessEqual(checkpoints.relative_error(rows[0], case["last_logits"]), TOLERANCE[storage])
        sure = min(sure_steps(case, TOLERANCE[storage]), steps)
        self.assertEqual(result["ids"][:sure], case["greedy_ids"][:sure])
        for row, token in zip(rows, result["ids"]):
            self.assertEqual(row.index(max(row)), token)
        return sure

    def check_model(self, model, storage, target, *flags):
        if not model.is_there:
            self.skipTest(f"{model.folder} is not here")
        if not TARGETS.get(target, set()) <= cpu_flags():
            self.skipTest(f"this CPU cannot run {target}")
        artifact = self.compile(model.folder, "--storage", storage, "--target", target, *flags)
        sure = 0
        for case in model.cases():
            with self.subTest(prompt=case.get("prompt", case["prompt_ids"])):
                sure += self.check_case(artifact, case, storage, by_text="prompt" in case)
        if storage == "f32":
            self.assertGreater(sure, 0, "every golden id is a near tie: nothing was compared")

    def check_simt(self, model, storage, chip):
        if not model.is_there:
            self.skipTest(f"{model.folder} is not here")
        artifact = self.compile(model.folder, "--storage", storage, "--target", f"simt:{chip}")
        cases = model.cases()[:2]
        for case in cases:
            self.check_case(artifact, case, storage, by_text=True, device="simt", steps=SIMT_STEPS)
        ids = cases[0]["prompt_ids"] + cases[0]["greedy_ids"]
        prompt, steps = ids[:SIMT_PROMPT], 3
        result = self.run_json("run", artifact, "--prompt-ids", ",".join(map(str, prompt)), "--temperature", "0", "-n",
                               str(steps), "--device", "simt")
        if sure_steps(cases[0], TOLERANCE[storage]) == len(cases[0]["greedy_ids"]):
            self.assertEqual(result["ids"], ids[SIMT_PROMPT:SIMT_PROMPT + steps])

    def check_threads(self, model, threads):
        artifact = self.compile(model.folder, "--storage", "f32")
        for case in model.cases():
            self.check_case(artifact, case, "f32", False, threads)

    def check_perplexity(self, model, text, window, expected, tolerance):
        if not text.is_file() or not model.is_there:
            self.skipTest(f"{text} is not here")
        artifact = self.compile(model.folder, "--storage", "f32")
        result = self.run_json("eval", "perplexity", artifact, "--text", text, "--window", str(window))
        self.assertAlmostEqual(result["perplexity"], expected, delta=tolerance)

    def check_kv_storage(self, model, text, window, storage, tolerance):
        """How much a cache of less than f32 costs, all else being f32: of the perplexity, at most this share."""
        if not text.is_file() or not model.is_there:
            self.skipTest(f"{text} is not here")
        perplexity = {}
        for kv in ("f32", storage):
            artifact = self.compile(model.folder, "--storage", "f32", "--kv-storage", kv)
            result = self.run_json("eval", "perplexity", artifact, "--text", text, "--window", str(window))
            perplexity[kv] = result["perplexity"]
        self.assertNotEqual(perplexity["f32"], perplexity[storage], "the cache is not stored as asked for")
        self.assertAlmostEqual(perplexity[storage] / perplexity["f32"], 1, delta=tolerance)

    def test_a_checkpoint_runs_from_the_cache(self):
        model = checkpoints.own_models()[0]
        case = model.cases()[0]
        prompt = ["--prompt-ids", ",".join(map(str, case["prompt_ids"])), "--temperature", "0", "-n", "8"]
        environment = {"QUIPU_CACHE_DIR": str(self.folder / "cache")}
        first = self.run_json("run", model.folder, *prompt, env=environment)
        artifacts = list((self.folder / "cache" / "models").iterdir())
        self.assertEqual([path.suffix for path in artifacts], [".qpu"])
        written = artifacts[0].stat()
        second = self.run_json("run", model.folder, *prompt, env=environment)
        self.assertEqual(list((self.folder / "cache" / "models").iterdir()), artifacts)
        found = artifacts[0].stat()
        self.assertEqual(found.st_ino, written.st_ino)  # not compiled again
        self.assertGreater(found.st_mtime_ns, written.st_mtime_ns)  # but used: the cache drops what was not for long
        self.assertEqual(first["ids"], second["ids"])
        self.assertEqual(self.run_json("plan", model.folder, env=environment),
                         self.run_json("plan", artifacts[0]))


def add_cases():
    own, shared = checkpoints.own_models(), checkpoints.shared_models()
    for model in own + shared:
        for storage in TOLERANCE:
            for target in TARGETS:
                case_runner.add_case(GoldenRuns, f"{model.name} {storage} {target}", GoldenRuns.check_model, model, storage, target)
    for chip, storage in SIMT_RUNS:
        case_runner.add_case(GoldenRuns, f"{shared[0].name} {storage} simt {chip}", GoldenRuns.check_simt, shared[0], storage,
                             chip)
    for model in own[:2]:
        for name in OPTIONAL_PASSES:
            case_runner.add_case(GoldenRuns, f"{model.name} without {name}", GoldenRuns.check_model, model, "f32", "cpu",
                                 "--disable-pass", name)
        everything = [word for name in OPTIONAL_PASSES for word in ("--disable-pass", name)]
        case_runner.add_case(GoldenRuns, f"{model.name} without any fusion", GoldenRuns.check_model, model, "f32", "cpu", *everything)
        for tokens in (1, 3, 16):
            case_runner.add_case(GoldenRuns, f"{model.name} prompt in chunks of {tokens}", GoldenRuns.check_model, model, "f32",
                                 "cpu", "--max-batch-tokens", str(tokens), "--max-sequences", "1")
        for threads in (1, 2, 3):
            case_runner.add_case(GoldenRuns, f"{model.name} on {threads} threads", GoldenRuns.check_threads, model, threads)
    # The value is that of llama.cpp-family tools on the same file.
    case_runner.add_case(GoldenRuns, "perplexity of stories260k", GoldenRuns.check_perplexity, shared[0],
                         checkpoints.SHARED_DATA / "text" / "tinystories_sample.txt", 256, 6.898, 0.01)
    for storage, tolerance in (("f16", 1e-3), ("bf16", 2e-3), ("i8", 2e-3)):
        for model in shared:
            case_runner.add_case(GoldenRuns, f"perplexity of {model.name} with a cache of {storage}", GoldenRuns.check_kv_storage,
                                 model, checkpoints.SHARED_DATA / "text" / "tinystories_sample.txt", 256, storage, tolerance)
    demo = own[-1]
    golden = json.loads(demo.golden.read_text())["perplexity"]
    case_runner.add_case(GoldenRuns, "perplexity of the demo model", GoldenRuns.check_perplexity, demo,
                         demo.golden.parent / golden["text"], golden["window"], golden["perplexity"], 0.01)


if __name__ == "__main__":
    add_cases()
    case_runner.main()
