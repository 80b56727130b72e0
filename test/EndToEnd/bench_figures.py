"""What `quipu bench` prints and writes: which runs it made, and figures that agree with each other."""
import json
import os

import case_runner
import checkpoints
from quipu_command import CommandTest

DEMO = checkpoints.ROOT / "models" / "demo"


class BenchFigures(CommandTest):
    @classmethod
    def setUpClass(cls):
        cls.artifact = cls.compile_for_class(DEMO)

    def bench(self, *arguments):
        return self.run_json("bench", self.artifact, "-r", "1", "--threads", "1", *arguments)

    def test_prompt_and_decode(self):
        figures = self.bench("-p", "8", "-n", "4")
        self.assertEqual((8, 4, 1, 1), tuple(figures[key] for key in ("prompt_tokens", "decode_tokens", "decode_sequences", "decode_context")))
        self.assertAlmostEqual(8 / figures["prompt_tokens_per_s"], figures["time_to_first_token_s"])
        self.assertGreater(figures["prompt_share_of_peak"], 0)
        self.assertGreater(figures["decode_share_of_bandwidth"], 0)

    def test_a_run_of_no_tokens_is_left_out(self):
        self.assertFalse([key for key in self.bench("-p", "0", "-n", "2") if key.startswith("prompt")])
        self.assertFalse([key for key in self.bench("-p", "2", "-n", "0") if key.startswith("decode")])

    def test_a_batch_decodes_together_after_its_context(self):
        figures = self.bench("-p", "0", "-n", "4", "--sequences", "3", "--context", "20")
        self.assertEqual((4, 3, 20), tuple(figures[key] for key in ("decode_tokens", "decode_sequences", "decode_context")))
        self.assertGreater(figures["decode_tokens_per_s"], 0)

    def test_prompts_of_several_steps_leave_steps_of_all_sequences(self):
        # Steps take 512 tokens: the first sequence has decoded a while when the last one's context is done.
        figures = self.bench("-p", "0", "-n", "8", "--sequences", "6", "--context", "120")
        self.assertEqual(6, figures["decode_sequences"])
        self.assertGreater(figures["decode_tokens_per_s"], 0)

    def middle(self, quartiles):
        lower, median, upper = (quartiles[key] for key in ("lower_quartile", "median", "upper_quartile"))
        self.assertLessEqual(lower, median)
        self.assertLessEqual(median, upper)
        return median

    def test_one_sequence_after_one_token_is_held_against_nothing(self):
        self.assertFalse([key for key in self.bench("-p", "0", "-n", "4") if key.startswith("against")])

    def test_a_context_is_held_against_steps_after_one_token(self):
        one, two = (self.bench("-p", "0", "-n", "4", "--sequences", "2", "--context", str(1 + tokens))["against_one_token"] for tokens in (100, 200))
        for found in (one, two):
            self.assertGreater(found["pairs"], 0)
            self.assertGreater(self.middle(found["step_times"]), 0)
            self.assertGreater(self.middle(found["cache_ms"]), 0)
            self.middle(found["longer_ms"])
            self.middle(found["longer_to_cache"])
        # The cache's bytes grow with the positions, and the weights stay.
        self.assertAlmostEqual(2, (two["bytes_times"] - 1) / (one["bytes_times"] - 1))

    def test_a_batch_is_held_against_steps_of_one_sequence(self):
        figures = self.bench("-p", "0", "-n", "4", "--sequences", "3")
        self.assertNotIn("against_one_token", figures)
        found = figures["against_one_sequence"]
        self.assertGreater(found["pairs"], 0)
        self.assertGreater(self.middle(found["tokens_per_s_times"]), 0)

    def test_what_is_printed_names_its_pairs(self):
        printed = self.run_well("bench", self.artifact, "-r", "1", "-p", "0", "-n", "2", "--sequences", "2", "--context", "100").stdout.decode()
        middle = r"-?[\d.]+ \(-?[\d.]+ to -?[\d.]+\)"
        self.assertRegex(printed, rf"after 1 token in turn, \d+ pairs?: a step takes {middle} ms longer, {middle} times as long, and reads 1\.\d+ times the bytes")
        self.assertRegex(printed, rf"the cache's bytes take {middle} ms at the bandwidth of the same pairs?; the step is longer by {middle} times that")
        self.assertRegex(printed, rf"1 sequence in turn, \d+ pairs?: {middle} times its tokens/s")

    def test_a_path_may_be_any_bytes(self):
        link = self.folder / os.fsdecode(b"model-\xff.qpu")
        link.symlink_to(self.artifact)
        figures = self.run_json("bench", link, "-r", "1", "--threads", "1", "-p", "2", "-n", "0")
        self.assertEqual("model-\ufffd.qpu", os.path.basename(figures["model"]))

    def trace(self, threads):
        file = self.folder / "trace.json"
        arguments = ["-p", "40", "-n", "3", "--sequences", "2", "-r", "1", "--threads", str(threads), "--trace", file]
        output = self.run_well("bench", self.artifact, "--profile", *arguments).stdout.decode()
        return json.loads(file.read_text())["traceEvents"], output

    def test_a_trace_has_every_launch_of_every_step_and_worker(self):
        events, output = self.trace(threads=2)
        names = {event["tid"]: event["args"]["name"] for event in events if event["name"] == "thread_name"}
        self.assertEqual(["steps", "worker 0", "worker 1"], sorted(names.values()))
        target = self.run_json("inspect", self.artifact)["targets"][0]
        spans = [event for event in events if event["ph"] == "X"]
        self.assertEqual({1}, {event["pid"] for event in events})
        steps = [span for span in spans if names[span["tid"]] == "steps"]
        self.assertEqual(["prompt", "decode", "decode", "decode"], [step["name"] for step in steps])
        for step in steps:
            inside = [span for span in spans if step["ts"] <= span["ts"] < step["ts"] + step["dur"]]
            for track in (track for track, name in names.items() if name != "steps"):
                kernels = [span for span in inside if span["tid"] == track and span["cat"] == "kernel"]
                self.assertEqual([launch["name"] for launch in target["launches"]],
                                 list(dict.fromkeys(span["args"]["launch"] for span in kernels)))
                for span in kernels:
                    variants = target["launches"][span["args"]["index"]]["variants"]
                    self.assertIn(span["name"], {kernel for variant in variants for kernel in variant["kernels"]})
        for kernel in {span["name"] for span in spans if span["cat"] == "kernel"}:
            self.assertIn(kernel, output)

    def test_spans_of_a_worker_add_up_to_its_steps(self):
        events, _ = self.trace(threads=1)
        seconds = {category: sum(event["dur"] for event in events if event.get("cat") == category)
                   for category in ("step", "kernel", "wait")}
        self.assertLessEqual(seconds["kernel"] + seconds["wait"], seconds["step"])
        # The rest is sampling and making the batch, little even for a model this small.
        self.assertGreater(seconds["kernel"] + seconds["wait"], seconds["step"] / 2)


if __name__ == "__main__":
    case_runner.main()
