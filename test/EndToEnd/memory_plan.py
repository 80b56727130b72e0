"""Peak memory of a run against what `quipu plan` printed before it."""
import json
import os
import pathlib
import tempfile

import case_runner
import checkpoints
import quipu_command
from quipu_command import CommandTest

# A Llama of about 110 million parameters: large enough for the program's own memory to be a small part.
CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "hidden_size": 768,
    "intermediate_size": 3072, "num_attention_heads": 12, "num_key_value_heads": 4, "num_hidden_layers": 8, "vocab_size": 32000,
    "max_position_embeddings": 2048, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": True,
    "torch_dtype": "bfloat16", "bos_token_id": 1, "eos_token_id": 2,
}
# The program itself, its libraries and its stacks: what a run takes beside the plan.
OWN_BYTES = 12 << 20


def peak_memory(*arguments):
    """Largest resident set of a run in bytes; its parts that are file pages shared with other processes count as well."""
    child = os.fork()
    if child == 0:
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(null, descriptor)
        os.execv(quipu_command.program, [str(quipu_command.program), *map(str, arguments)])
    _, status, usage = os.wait4(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    return usage.ru_maxrss * 1024


class MemoryPlan(CommandTest):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="quipu-test-")
        cls.addClassCleanup(folder.cleanup)
        config = pathlib.Path(folder.name) / "config.json"
        config.write_text(json.dumps(CONFIG))
        cls.checkpoint = pathlib.Path(folder.name) / "checkpoint"
        ran = quipu_command.run("--config", config, "-o", cls.checkpoint,
                                command=quipu_command.compiling_program.with_name("quipu-random-checkpoint"))
        assert ran.returncode == 0, ran.stderr
        cls.artifact = cls.compile_for_class(cls.checkpoint)

    def check(self, run_flags, plan_flags):
        plan = self.run_json("plan", self.artifact, *plan_flags)
        parts = sum(plan[f"{part}_bytes"] for part in ("weights", "kv", "activations", "inputs", "outputs", "rope_tables", "scratch"))
        self.assertLessEqual(parts, plan["block_bytes"])
        self.assertEqual(plan["total_bytes"], plan["block_bytes"] + plan["code_bytes"])
        peak = peak_memory("run", self.artifact, *run_flags, *plan_flags)
        self.assertLess(abs(peak - plan["total_bytes"]), 0.03 * plan["total_bytes"] + OWN_BYTES)
        return plan

    def test_one_token(self):
        self.check(["--prompt-ids", "1", "-n", "1"], [])

    def test_long_prompt(self):
        self.check(["--prompt-ids", ",".join(["5"] * 700), "-n", "3"], [])

    def test_fewer_sequences_take_less(self):
        less = self.check(["--prompt-ids", "1", "-n", "1"], ["--max-sequences", "1", "--max-context", "256"])
        more = self.run_json("plan", self.artifact)
        self.assertEqual(more["kv_bytes"], 8 * 8 * less["kv_bytes"])

    def test_threads_take_scratch(self):
        one, three = (self.check(["--prompt-ids", "1,2,3", "-n", "2"], ["--threads", threads]) for threads in ("1", "3"))
        self.assertEqual((one["threads"], three["threads"]), (1, 3))
        self.assertGreaterEqual(three["scratch_bytes"], one["scratch_bytes"])

    def test_targets_are_planned_where_their_devices_are_not(self):
        artifact = self.compile(checkpoints.SMALL, "--target", "cpu:x86-64-v3", "--target", "simt:sm_90a")
        cpu, simt = self.run_json("plan", artifact, "--target", "all")
        self.assertEqual((cpu["target"], simt["target"]), ("cpu:x86-64-v3", "simt:sm_90a"))
        self.assertEqual(cpu["staging_bytes"], 0)
        self.assertGreater(simt["staging_bytes"], simt["weights_bytes"])
        self.assertEqual(self.run_json("plan", artifact, "--target", "simt:sm_90a"), simt)
        self.assertEqual(self.run_json("plan", artifact, "--device", "simt"), simt)
        self.assert_refused(["plan", artifact, "--target", "cuda:sm_90a"], "cuda:sm_90a", "cpu:x86-64-v3, simt:sm_90a")

    def test_too_little_memory_is_an_error_with_numbers(self):
        artifact = self.compile(self.checkpoint, "--max-context", "2048", "--max-sequences", str(1 << 14))
        ran = quipu_command.run("plan", artifact)
        self.assertEqual(ran.returncode, 1)
        self.assertIn(b"total", ran.stdout)
        for command in (["plan"], ["run", "--prompt-ids", "1"]):
            ran = quipu_command.run(*command, artifact)
            self.assertRegex(ran.stderr.decode(), r"takes \d+ MiB of memory \(\d+ of weights, \d+ of KV cache\) on cpu, \d+ MiB "
                             r"are free; lower max sequences or max context")


if __name__ == "__main__":
    case_runner.main()
