"""The programs that are compared: their command lines, and what their output says.

A run of a program gives tokens per second by measure:
  prompt   a prompt of Lengths.prompt tokens into an empty context
  decode   Lengths.decode tokens after an empty context
  batch    the same for Lengths.batch sequences at a time, tokens of all of them counted
  context  the same for one sequence after Lengths.context tokens
"""
import dataclasses
import json
import re
import shlex
import subprocess

MEASURES = ["prompt", "decode", "batch", "context"]
# Tokens that each sequence of a batch has before it decodes: as good as empty, and every program can do it.
BATCH_PROMPT = 16


class Failure(Exception):
    """One line on what went wrong with a program; the comparison goes on without the figure."""


@dataclasses.dataclass(frozen=True)
class Lengths:
    """What is measured, in tokens, sequences and threads."""

    threads: int
    prompt: int
    decode: int
    batch: int
    context: int


@dataclasses.dataclass
class Reading:
    """What one run said, by measure: tokens/s, shares of the machine's limits, and for a batch its tokens/s in those of
    one sequence whose steps were taken in turn with it. And the program's version."""

    rates: dict
    shares: dict = dataclasses.field(default_factory=dict)
    gains: dict = dataclasses.field(default_factory=dict)
    version: str = ""


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def single_sequence(measures):
    """Those of the measures that one run gives."""
    return [measure for measure in ("prompt", "decode") if measure in measures]


def single_sequence_flags(lengths, measures):
    """The same in quipu bench and llama-bench; 0 leaves that part out."""
    return ["-p", lengths.prompt if "prompt" in measures else 0, "-n", lengths.decode if "decode" in measures else 0]


def rate_of(value, name):
    """A rate of a program's output; a program that broke down may print zero, or no number."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < float("inf"):
        raise Failure(f"{name} is {value!r} in its output; expected tokens per second")
    return float(value)


class Quipu:
    """Measures artifacts; `artifact` gives the one of a model."""

    def __init__(self, path, artifact, version=""):
        self.name, self.path, self.artifact, self.version = "Quipu", path, artifact, version

    def runs(self, model, lengths, measures):
        """(measures, command, parser) for each run that the measures take."""
        base = [self.path, "bench", self.artifact(model), "--threads", lengths.threads, "-r", 1, "--json"]
        both = single_sequence(measures)
        if both:
            yield both, base + single_sequence_flags(lengths, both), self.parse
        if "batch" in measures:
            flags = ["-p", 0, "-n", lengths.decode, "--sequences", lengths.batch, "--context", BATCH_PROMPT]
            yield ["batch"], base + flags, self.parse
        if "context" in measures:
            yield ["context"], base + ["-p", 0, "-n", lengths.decode, "--context", lengths.context], self.parse

    def parse(self, output, measures):
        try:
            found = json.loads(last_line(output))
            reading = Reading({}, version=self.version)
            for measure in measures:
                kind = "prompt" if measure == "prompt" else "decode"
                reading.rates[measure] = rate_of(found.get(kind + "_tokens_per_s"), kind + "_tokens_per_s")
                limit = "prompt_share_of_peak" if measure == "prompt" else "decode_share_of_bandwidth"
                if limit in found:
                    reading.shares[measure] = float(found[limit])
                if measure == "batch" and "against_one_sequence" in found:
                    reading.gains[measure] = float(found["against_one_sequence"]["tokens_per_s_times"]["median"])
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise Failure(f"no JSON object of `quipu bench --json`: {last_line(output)}") from error
        return reading


class LlamaBench:
    """llama-bench of the llama.cpp family: prompt and decode."""

    def __init__(self, name, path, flags):
        self.name, self.path, self.flags = name, path, flags

    def runs(self, model, lengths, measures):
        both = single_sequence(measures)
        if not both:
            return
        command = [self.path, "-m", model, "-t", lengths.threads, "-r", 1, "-o", "json"]
        yield both, command + single_sequence_flags(lengths, both) + self.flags, self.parse

    def parse(self, output, measures):
        try:
            # The array may stand behind lines about the machine.
            start = re.search(r"^\[\s*(?=\{|$)", output, re.M)
            tests = json.JSONDecoder().raw_decode(output[start.start():])[0] if start else []
            reading = Reading({})
            for test in tests:
                measure = "prompt" if test["n_prompt"] else "decode"
                if measure in measures:
                    reading.rates[measure] = rate_of(test["avg_ts"], "avg_ts")
                reading.version = str(test.get("build_commit", ""))
        except (ValueError, TypeError, KeyError) as error:
            raise Failure(f"no array of `llama-bench -o json`: {last_line(output)}") from error
        for measure in measures:
            if measure not in reading.rates:
                raise Failure(f"no figure for {measure} in its output: {last_line(output)}")
        return reading


class BatchedBench:
    """llama-batched-bench of the llama.cpp family: batch and context. One row a run, of a table with fixed columns."""

    def __init__(self, name, path, flags):
        self.name, self.path, self.flags = name, path, flags

    def runs(self, model, lengths, measures):
        for measure, prompt, sequences in (("batch", BATCH_PROMPT, lengths.batch), ("context", lengths.context, 1)):
            if measure not in measures:
                continue
            room = sequences * (prompt + lengths.decode)
            # Pools are kept in units of 256 positions.
            cells = (room + 255) // 256 * 256
            command = [self.path, "-m", model, "-t", lengths.threads, "-c", cells]
            command += ["-npp", prompt, "-ntg", lengths.decode, "-npl", sequences]
            yield [measure], command + self.flags, self.parse

    def parse(self, output, measures):
        columns = None
        for line in output.splitlines():
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if "S_TG t/s" in cells:
                columns = cells.index("S_TG t/s")
            elif columns is not None and len(cells) > columns and re.fullmatch(r"\d+\.\d+", cells[columns]):
                return Reading({measures[0]: rate_of(float(cells[columns]), "S_TG")})
        raise Failure(f"no row of `llama-batched-bench`: {last_line(output)}")


def run_once(command, around, timeout):
    """What it prints; errors go in front, so that the last line is the program's own result where there is one."""
    words = around + [str(word) for word in command]
    pipes = {"capture_output": True, "stdin": subprocess.DEVNULL}
    try:
        ran = subprocess.run(words, text=True, errors="replace", timeout=timeout, **pipes)
    except subprocess.TimeoutExpired:
        raise Failure(f"took longer than {timeout:g} s") from None
    except OSError as error:
        raise Failure(f"cannot run {words[0]}: {error.strerror}") from None
    if ran.returncode:
        # What it died of stands on its errors' last line, else on its output's.
        raise Failure(f"exit status {ran.returncode}: {last_line(ran.stderr if ran.stderr.strip() else ran.stdout)}")
    return ran.stderr + "\n" + ran.stdout


def measure(program, model, lengths, measures, around, timeout):
    """Yields (measures, Reading or Failure, command) for each run of the program that the measures take."""
    for some, command, parse in program.runs(model, lengths, measures):
        try:
            result = parse(run_once(command, around, timeout), some)
        except Failure as failure:
            result = failure
        yield some, result, shlex.join(str(word) for word in command)
