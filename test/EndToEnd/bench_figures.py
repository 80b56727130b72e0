"""What `quipu bench --json` prints: which runs it made, and figures that agree with each other."""
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


if __name__ == "__main__":
    case_runner.main()
