"""tools/bench-peers on made-up programs: what it reads of their output, its turns, its medians, its table."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "peers"))
import programs
import samples
import table

LENGTHS = programs.Lengths(threads=2, prompt=512, decode=64, batch=8, context=4096)
LLAMA_BENCH = """load_backend: loaded
[
  {"build_commit": "0c1e570", "n_prompt": 512, "n_gen": 0, "avg_ts": 200.5},
  {"build_commit": "0c1e570", "n_prompt": 0, "n_gen": 64, "avg_ts": 21.25}
]
"""
BATCHED_BENCH = """main: n_kv_max = 768, n_threads = 2

|    PP |     TG |    B |   N_KV |   T_PP s | S_PP t/s |   T_TG s | S_TG t/s |      T s |    S t/s |
|-------|--------|------|--------|----------|----------|----------|----------|----------|----------|
|    16 |     64 |    8 |    640 |    0.719 |   178.05 |    4.321 |   118.49 |    5.040 |   126.98 |
llama_print_timings: total time = 1 ms
"""


class ParsingTest(unittest.TestCase):
    def test_llama_bench(self):
        reading = programs.LlamaBench("peer", "llama-bench", []).parse(LLAMA_BENCH, ["prompt", "decode"])
        self.assertEqual({"prompt": 200.5, "decode": 21.25}, reading.rates)
        self.assertEqual("0c1e570", reading.version)

    def test_batched_bench(self):
        reading = programs.BatchedBench("peer", "llama-batched-bench", []).parse(BATCHED_BENCH, ["batch"])
        self.assertEqual({"batch": 118.49}, reading.rates)

    def test_quipu_bench(self):
        output = 'warning\n{"prompt_tokens_per_s": 212.0, "prompt_share_of_peak": 0.89, "decode_tokens_per_s": 22.5}\n'
        reading = programs.Quipu("quipu", str).parse(output, ["prompt", "decode"])
        self.assertEqual({"prompt": 212.0, "decode": 22.5}, reading.rates)
        self.assertEqual({"prompt": 0.89}, reading.shares)

    def test_a_batch_of_quipu_has_its_gain_over_one_sequence(self):
        output = '{"decode_tokens_per_s": 150.0, "against_one_sequence": {"pairs": 9, "tokens_per_s_times": {"lower_quartile": 6.1, "median": 6.4, "upper_quartile": 6.6}}}'
        reading = programs.Quipu("quipu", str).parse(output, ["batch"])
        self.assertEqual({"batch": 150.0}, reading.rates)
        self.assertEqual({"batch": 6.4}, reading.gains)

    def test_output_without_a_figure_is_a_failure(self):
        llama, batched, quipu = programs.LlamaBench("a", "a", []), programs.BatchedBench("b", "b", []), programs.Quipu("c", str)
        only_prompt = '[{"n_prompt": 512, "avg_ts": 200.5}]'
        for program, output, expected, *asked in [
            (llama, "", "it said nothing"),
            (llama, "[1, 2]", "no figure for prompt"),
            (llama, "[\n", "no array"),
            (llama, '[{"n_prompt": 512, "avg_ts": 0.0}]', "avg_ts is 0.0"),
            (llama, '[{"n_prompt": 512, "avg_ts": NaN}]', "avg_ts is nan"),
            (llama, only_prompt, "no figure for decode"),
            (batched, "main: failed to decode\n", "failed to decode"),
            (batched, BATCHED_BENCH.split("|    16")[0], "no row"),
            (quipu, "not JSON", "not JSON"),
            (quipu, "[]", "no JSON object"),
            (quipu, '{"prompt_tokens_per_s": 1.0}', "decode_tokens_per_s is None"),
            (quipu, '{"decode_tokens_per_s": 1.0, "against_one_sequence": {}}', "no JSON object", ["batch"]),
        ]:
            with self.subTest(output=output), self.assertRaisesRegex(programs.Failure, re.escape(expected)):
                program.parse(output, *asked or [["prompt", "decode"]])


class CommandTest(unittest.TestCase):
    def commands(self, program, measures):
        return [" ".join(str(word) for word in command) for _, command, _ in program.runs("m.gguf", LENGTHS, measures)]

    def test_llama_bench_has_flags_of_its_own_last(self):
        program = programs.LlamaBench("ik", "llama-bench", ["-rtr", "1"])
        self.assertEqual(["llama-bench -m m.gguf -t 2 -r 1 -o json -p 512 -n 0 -rtr 1"], self.commands(program, ["prompt", "batch"]))
        self.assertEqual([], self.commands(program, ["batch"]))

    def test_batched_bench_has_room_for_all_sequences(self):
        program = programs.BatchedBench("ik", "bench", [])
        self.assertEqual(["bench -m m.gguf -t 2 -c 768 -npp 16 -ntg 64 -npl 8", "bench -m m.gguf -t 2 -c 4352 -npp 4096 -ntg 64 -npl 1"],
                         self.commands(program, ["prompt", "batch", "context"]))

    def test_quipu_measures_the_artifact(self):
        program = programs.Quipu("quipu", lambda model: model.replace("gguf", "qpu"))
        bench = "quipu bench m.qpu --threads 2 -r 1 --json "
        self.assertEqual([bench + "-p 512 -n 64", bench + "-p 0 -n 64 --sequences 8 --context 16", bench + "-p 0 -n 64 --context 4096"],
                         self.commands(program, programs.MEASURES))


class TableTest(unittest.TestCase):
    def test_median_and_spread(self):
        figure = samples.Figure(rates=[10.0, 30.0, 11.0, 12.0, 9.0])
        self.assertEqual(11.0, figure.median())
        self.assertAlmostEqual(19 / 11, figure.spread())
        self.assertEqual(11.5, samples.Figure(rates=[11.0, 12.0]).median())
        self.assertIsNone(samples.Figure().median())

    def test_ratio_is_to_the_fastest_and_misses_are_marked(self):
        def ratio(own, *peers):
            return table.ratio_cell(*[samples.Figure(rates=rates) if rates is not None else None for rates in [own]],
                                    [samples.Figure(rates=rates) for rates in peers])

        self.assertEqual("1.10", ratio([11.0], [10.0], [5.0]))
        self.assertEqual("0.50 (miss)", ratio([5.0], [2.0], [10.0]))
        self.assertEqual("2.50", ratio([5.0], [2.0], []))
        self.assertEqual("no peer", ratio([5.0], []))
        self.assertEqual("no figure (miss)", ratio(None, [2.0]))
        self.assertEqual("no figure (miss)", ratio([], [2.0]))

    def test_a_share_and_a_gain_are_medians(self):
        figure = samples.Figure(rates=[1.0], shares=[0.4, 0.5, 0.9], gains=[5.25, 6.0, 7.0])
        self.assertEqual("50.0 % of bandwidth, 6.00 times one sequence", table.share_cell(figure, "batch"))
        self.assertEqual("-", table.share_cell(samples.Figure(rates=[1.0]), "batch"))

    def test_folders_of_one_machine_are_left_out(self):
        self.assertEqual("llama-bench -m m.gguf 'a b' 3 tokens/s", table.without_folders("/x/bin/llama-bench -m ../models/m.gguf 'a b' 3 tokens/s"))


class ComparisonTest(unittest.TestCase):
    """The whole program; the made-up ones write each call into a log."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for model in ("small-q8_0", "small-q4_0"):
            (self.folder / (model + ".gguf")).write_text("GGUF")
        self.program("quipu", """case $1 in
            --version) echo quipu 9.9 ;;
            compile) echo compile "$@" >&2 ;;
            *) n=$(grep -c "^quipu bench" {log}); echo "{\\"prompt_tokens_per_s\\": $((100 + n)), \\"decode_tokens_per_s\\": 20, \\"decode_share_of_bandwidth\\": 0.9, \\"against_one_sequence\\": {\\"tokens_per_s_times\\": {\\"median\\": 6.5}}}" ;;
            esac""")
        self.program("llama-bench", "cat <<'END'\n" + LLAMA_BENCH + "END\n")
        self.program("broken", "echo 'all is well'; echo 'unknown model architecture | /x/y.gguf' >&2; exit 3")
        self.program("around", 'exec "$@"')

    def program(self, name, body):
        path = self.folder / name
        path.write_text(f'#!/bin/sh\necho "{name} $1" >> {self.folder}/log\n' + body.replace("{log}", f"{self.folder}/log") + "\n")
        path.chmod(0o755)

    def calls(self):
        log = self.folder / "log"
        calls = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return calls

    def run_tool(self, *arguments):
        command = [ROOT / "tools" / "bench-peers", self.folder / "small-q8_0.gguf", "--quipu", self.folder / "quipu", "--artifacts", self.folder]
        return subprocess.run([str(word) for word in [*command, *arguments]], text=True, capture_output=True)

    def peer(self, name, program):
        return ["--peer", f"{name}={self.folder}/{program}"]

    def test_programs_take_turns(self):
        ran = self.run_tool("--rounds", 3, *self.peer("llama.cpp", "llama-bench"))
        self.assertEqual(0, ran.returncode, ran.stderr)
        # Every other round goes backwards, and the model is compiled once.
        self.assertEqual(["quipu --version", "quipu compile", "quipu bench", "llama-bench -m", "llama-bench -m", "quipu bench",
                          "quipu bench", "llama-bench -m"], self.calls())
        # Quipu's prompt figures are 101, 102 and 103.
        self.assertIn("| small-q8_0 | prompt 512 | 102.0 | - | 200.5 | 0.51 (miss) |", ran.stdout)
        self.assertIn("| small-q8_0 | decode 64 | 20.0 | 90.0 % of bandwidth | 21.2 | 0.94 (miss) |", ran.stdout)
        self.assertIn("medians of 3 runs", ran.stdout)
        self.assertIn("- llama.cpp: 0c1e570; `llama-bench -m small-q8_0.gguf -t 2", ran.stdout)
        self.assertIn("- Quipu: quipu 9.9", ran.stdout)

    def test_a_batch_is_held_against_one_sequence_in_the_table(self):
        ran = self.run_tool("--rounds", 1, "--measures", "batch")
        self.assertIn("| small-q8_0 | decode, 8 sequences | 20.0 | 90.0 % of bandwidth, 6.50 times one sequence | no peer |", ran.stdout)

    def test_a_broken_peer_is_a_row_that_says_so(self):
        ran = self.run_tool("--rounds", 2, *self.peer("ik", "broken"))
        self.assertEqual(0, ran.returncode, ran.stderr)
        self.assertIn("| small-q8_0 | prompt 512 | 101.5 | - | failed | no peer |", ran.stdout)
        self.assertIn("- ik on small-q8_0, prompt 512: exit status 3: unknown model architecture | y.gguf (2 times)", ran.stdout)

    def test_a_model_that_does_not_compile_is_a_row_that_says_so(self):
        self.program("quipu", "echo 'tensor type Q4_0 is unknown' >&2; exit 1")
        ran = self.run_tool("--rounds", 1, *self.peer("llama.cpp", "llama-bench"))
        self.assertEqual(0, ran.returncode, ran.stderr)
        self.assertIn("| small-q8_0 | decode 64 | failed | - | 21.2 | no figure (miss) |", ran.stdout)
        self.assertIn("compile: exit status 1: tensor type Q4_0 is unknown", ran.stdout)

    def test_samples_are_kept_and_counted(self):
        kept = self.folder / "samples.jsonl"
        arguments = ["--samples", kept, *self.peer("llama.cpp", "llama-bench")]
        self.run_tool("--rounds", 1, *arguments)
        self.calls()
        self.run_tool("--rounds", 2, *arguments)
        self.assertEqual(["llama-bench -m", "quipu --version", "quipu bench", "quipu compile"], sorted(self.calls()))
        self.assertEqual(8, len(kept.read_text().splitlines()))
        page = self.run_tool("--rounds", 0, *arguments)
        self.assertEqual(["quipu --version"], self.calls())
        self.assertIn("medians of 2 runs", page.stdout)

    def test_another_model_goes_into_the_same_table(self):
        out = self.folder / "page.md"
        ran = self.run_tool(self.folder / "small-q4_0.gguf", "--rounds", 1, "--measures", "decode", "-o", out, *self.peer("a", "llama-bench"))
        self.assertEqual((0, ""), (ran.returncode, ran.stdout))
        self.assertEqual(["| small-q8_0", "| small-q4_0"], re.findall(r"^\| small-\w+", out.read_text(), re.M))

    def test_every_measured_run_is_behind_the_prefix(self):
        self.run_tool("--rounds", 1, "--around", f"{self.folder}/around", *self.peer("llama.cpp", "llama-bench"))
        calls = self.calls()
        self.assertEqual(["around", "around"], [calls[i - 1].split("/")[0].split()[0] for i, call in enumerate(calls) if call in ("quipu bench", "llama-bench -m")])
        self.assertEqual(2, sum(call.startswith("around") for call in calls))

    def test_a_run_that_takes_too_long_is_ended(self):
        self.program("slow", "exec sleep 30")
        ran = self.run_tool("--rounds", 1, "--timeout", 1, *self.peer("slow", "slow"))
        self.assertIn("took longer than 1 s", ran.stdout)

    def test_wrong_arguments_give_one_line(self):
        other = self.folder / "other.jsonl"
        record = dict(program="a", model="m", measure="prompt", lengths={"threads": 1})
        other.write_text(json.dumps(record) + "\n")
        bad = self.folder / "bad.jsonl"
        bad.write_text("{}\n")
        for arguments, expected in [
            ([self.folder / "gone.gguf"], "gone.gguf: no such file"),
            ([self.folder / "small-q8_0.gguf"], "two models are called small-q8_0"),
            (["--peer", "llama-bench"], "expected NAME=PROGRAM"),
            (["--peer", "a='"], "No closing quotation"),
            (["--peer", "a=/no/such/program"], "/no/such/program is no program"),
            (["--peer", "Quipu=sh"], "cannot be called Quipu"),
            (["--quipu", "none"], "no program"),
            (["--measures", "prompt,speed"], "unknown measure 'speed'"),
            (["--threads", "0"], "not a number of at least 1"),
            (["--rounds", "few"], "not a number of at least 0"),
            (["--round", "1"], "--round"),
            (["--samples", other], "has samples of"),
            (["--samples", bad], "bad.jsonl:1: not a sample"),
            (["--rounds", "0", "-o", self.folder], "Is a directory"),
        ]:
            with self.subTest(arguments=arguments):
                ran = self.run_tool(*arguments)
                self.assertNotEqual(0, ran.returncode)
                self.assertEqual("", ran.stdout)
                self.assertRegex(ran.stderr, r"\Atools/bench-peers: [^\n]+\n\Z")
                self.assertIn(expected, ran.stderr)


if __name__ == "__main__":
    unittest.main()
