"""Models whose weights are stored in blocks: GGUF files as they are, checkpoints rounded by the compiler, and what
`quipu eval quality` says of them. Goldens are from other programs (test/compiler/Reference/make_gguf_goldens.py)."""
import json

import case_runner
import checkpoints
from quipu_command import CommandTest

GGUF = checkpoints.SHARED_DATA / "gguf"
STORIES = checkpoints.SHARED_DATA / "text" / "tinystories_sample.txt"
# Logits, relative to the largest: the input of a product is rounded to eight bits.
TOLERANCE = 3e-2
FOUR_BITS = "4bit"


class QuantisedModels(CommandTest):
    def need(self, *paths):
        for path in paths:
            if not path.exists():
                self.skipTest(f"{path} is not here")

    def check_text(self, model):
        self.need(model.folder, model.golden)
        artifact = self.compile(model.folder, "--storage", "q8_0")
        for case in model.cases():
            ids = ",".join(map(str, case["prompt_ids"]))
            result = self.run_json("run", artifact, "--prompt-ids", ids, "-n", str(len(case["greedy_ids"])))
            self.assertEqual(result["ids"], case["greedy_ids"], case.get("prompt"))

    def check_gguf(self, name):
        self.need(GGUF / name)
        goldens = checkpoints.ROOT / "test" / "compiler" / "Reference" / "gguf_goldens.json"
        artifact = self.compile(GGUF / name)
        for case in json.loads(goldens.read_text())[name]:
            logits = self.folder / "logits.npy"
            ids = ",".join(map(str, case["prompt_ids"]))
            self.run_json("run", artifact, "--prompt-ids", ids, "-n", "1", "--logits", logits)
            self.assertLessEqual(checkpoints.relative_error(checkpoints.read_npy(logits)[0], case["last_logits"]), TOLERANCE)

    def formats_of(self, artifact):
        weights = self.run_json("inspect", artifact)["weights"]
        return {weight["dtype"] for weight in weights if len(weight["shape"]) == 2}

    def quality(self, model, *arguments):
        self.need(model.folder, STORIES)
        report = self.run_json("eval", "quality", model.folder, "--text", STORIES, "--window", "256", *arguments,
                               env={"QUIPU_CACHE_DIR": str(self.folder / "cache")})
        return {row["storage"]: row for row in report["models"]}

    def test_a_gguf_files_blocks_are_kept(self):
        self.need(GGUF)
        self.assertEqual(self.formats_of(self.compile(GGUF / "babyllama-tok105-Q8_0.gguf")), {"q8_0"})
        self.assertEqual(self.formats_of(self.compile(GGUF / "babyllama-tok105-Q4_0.gguf")), {"q4_0", "q8_0"})

    def test_gpu_targets_store_a_gguf_files_blocks_as_bf16(self):
        self.need(GGUF)
        artifact = self.compile(GGUF / "babyllama-tok105-Q4_0.gguf", "--target", "simt:sm_90a")
        self.assertEqual(self.formats_of(artifact), {"bf16"})

    def test_patterns_choose_formats(self):
        demo = checkpoints.ROOT / "models" / "demo"
        artifact = self.compile(demo, "--storage", "q4_0", "--storage-of", "*.down_proj.weight=q8_0")
        weights = {weight["name"]: weight["dtype"] for weight in self.run_json("inspect", artifact)["weights"]}
        self.assertEqual(weights["model.layers.0.mlp.down_proj.weight"], "q8_0")
        self.assertEqual(weights["model.layers.0.self_attn.o_proj.weight"], "q4_0")
        self.assertEqual(weights["model.embed_tokens.weight"], "q8_0")  # tables are kept higher

    def test_projections_of_different_formats(self):
        # As in files where v has more bits than q and k: no joined q, k and v.
        demo = checkpoints.ROOT / "models" / "demo"
        ran = self.run_well("verify", demo, "--storage", "q4_0", "--storage-of", "*.v_proj.weight=q8_0",
                            "--storage-of", "*.down_proj.weight=q8_0")
        self.assertRegex(ran.stdout, rb"\nall \d+ comparisons are within their tolerances\n$")

    def test_perplexity_of_a_gguf_file(self):
        self.need(GGUF, STORIES)
        artifact = self.compile(GGUF / "stories260k-f32.gguf")
        result = self.run_json("eval", "perplexity", artifact, "--text", STORIES, "--window", "256")
        self.assertAlmostEqual(result["perplexity"], 6.8981, delta=0.001)  # as llama.cpp's tool has it

    def test_perplexity_of_a_real_file_in_q4_1(self):
        real = checkpoints.REAL_MODELS and checkpoints.REAL_MODELS / "smollm2-135m-instruct.Q4_1.gguf"
        wiki = checkpoints.SHARED_DATA / "text" / "wiki.test.raw"
        if not real:
            self.skipTest("QUIPU_MODELS is not set")
        self.need(real, wiki)
        text = self.folder / "wiki.txt"
        text.write_bytes(wiki.read_bytes()[:60000])
        artifact = self.compile(real)
        self.assertEqual(self.formats_of(artifact), {"q4_1", "q8_0"})
        result = self.run_json("eval", "perplexity", artifact, "--text", text, "--window", "512")
        self.assertAlmostEqual(result["perplexity"], 23.189, delta=0.005 * 23.189)  # as llama.cpp's tool has it

    def test_quality_of_storage_formats(self):
        _, babyllama = checkpoints.shared_models()
        rows = self.quality(babyllama, "--storage", "q8_0", "--storage", FOUR_BITS)
        self.assertEqual(rows["unquantised"]["kl_mean"], 0)
        self.assertEqual(rows["unquantised"]["top1_agreement"], 1)
        self.assertEqual(rows["unquantised"]["bits_per_weight"], 32)
        self.assertEqual(rows["q8_0"]["bits_per_weight"], 8.5)
        self.assertLess(rows["q8_0"]["kl_mean"], 0.002)
        self.assertLess(rows[FOUR_BITS]["bits_per_weight"], 4.6)
        self.assertLess(rows[FOUR_BITS]["kl_mean"], 0.08)
        self.assertGreater(rows[FOUR_BITS]["kl_mean"], rows["q8_0"]["kl_mean"])

    def test_calibration_lessens_the_divergence(self):
        _, babyllama = checkpoints.shared_models()
        text = checkpoints.SHARED_DATA / "text" / "tinyshakespeare.txt"
        self.need(text)
        plain = self.quality(babyllama, "--storage", FOUR_BITS)[FOUR_BITS]
        calibrated = self.quality(babyllama, "--storage", FOUR_BITS, "--calibrate", text)[FOUR_BITS]
        self.assertLess(calibrated["kl_mean"], plain["kl_mean"])
        self.assertEqual(calibrated["bytes"], plain["bytes"])

    def test_a_calibration_text_that_is_not_there(self):
        # What was compiled without calibration lies in the cache, and is not taken for calibrated.
        demo, text = checkpoints.ROOT / "models" / "demo", checkpoints.ROOT / "test" / "goldens" / "demo" / "held_out.txt"
        evaluate = ["eval", "quality", demo, "--storage", "q4_0", "--text", text, "--window", "256"]
        env = {"QUIPU_CACHE_DIR": str(self.folder / "cache")}
        self.run_well(*evaluate, env=env)
        self.assert_refused([*evaluate, "--calibrate", self.folder / "no.txt"], "--calibrate", "no.txt", env=env)


def add_cases():
    stories, _ = checkpoints.shared_models()
    case_runner.add_case(QuantisedModels, "demo keeps its text in q8_0", QuantisedModels.check_text,
                         checkpoints.own_models()[-1])
    case_runner.add_case(QuantisedModels, "stories260k keeps its text in q8_0", QuantisedModels.check_text, stories)
    for name in ("babyllama-tok105-Q8_0.gguf", "babyllama-tok105-Q4_0.gguf"):
        case_runner.add_case(QuantisedModels, f"logits of {name}", QuantisedModels.check_gguf, name)


if __name__ == "__main__":
    add_cases()
    case_runner.main()
