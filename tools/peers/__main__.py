"""tools/bench-peers: Quipu and other programs on the same GGUF files, in turn, on one machine."""
import argparse
import dataclasses
import datetime
import pathlib
import shlex
import shutil
import subprocess
import sys

import table
from programs import BATCH_PROMPT, MEASURES, BatchedBench, Failure, Lengths, LlamaBench, Quipu
from programs import last_line, measure, run_once
from samples import Sample, SampleFileError, Samples

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = """
example:
  tools/bench-peers --peer 'llama.cpp=llama.cpp/bin/llama-bench' \\
      --peer 'ik_llama.cpp=ik/bin/llama-bench -rtr 1' --batched-peer 'ik_llama.cpp=ik/bin/llama-batched-bench -rtr' \\
      --samples peers.jsonl -o docs/performance-peers.md model-q8_0.gguf model-q4_0.gguf

A program that fails leaves a row that says so. With --samples a comparison may be made in parts: what the file has
counts as done, and --rounds 0 writes the table of it alone."""


PEER = "NAME=PROGRAM [FLAGS]"


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"{self.prog}: {message}; --help has the options\n")


def at_least(least):
    def parse(text):
        if not text.isascii() or not text.isdigit() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least {least}")
        return int(text)

    return parse


positive, count = at_least(1), at_least(0)


def peer(kind):
    """A parser of PEER."""

    def parse(text):
        name, _, command = text.partition("=")
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text}: {error}")
        if not name or not words:
            raise argparse.ArgumentTypeError(f"{text}: expected {PEER}")
        if name == "Quipu":
            raise argparse.ArgumentTypeError("a peer cannot be called Quipu; --quipu names that program")
        return kind(name, words[0], words[1:])

    return parse


def measures(text):
    named = text.split(",")
    unknown = [name for name in named if name not in MEASURES]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown measure {unknown[0]!r}; known: {', '.join(MEASURES)}")
    return named


def parse_arguments():
    parser = Parser(
        prog="tools/bench-peers", usage="%(prog)s [OPTIONS] FILE.gguf...", description=__doc__.split(": ")[1], epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    add = parser.add_argument
    add("models", nargs="+", metavar="FILE.gguf", type=pathlib.Path, help="models, one a format")
    add("--quipu", metavar="PROGRAM", default=str(ROOT / "build/release/bin/quipu"),
        help="quipu, or none for the peers alone; default: build/release/bin/quipu")
    add("--peer", metavar=PEER, action="append", default=[], type=peer(LlamaBench), dest="peers",
        help="a llama-bench, for prompt and decode; may be given several times")
    add("--batched-peer", metavar=PEER, action="append", default=[], type=peer(BatchedBench), dest="peers",
        help="a llama-batched-bench, for batch and context; the same NAME shares a column")
    add("--measures", metavar="LIST", type=measures, default=["prompt", "decode"],
        help=f"comma-separated, of {', '.join(MEASURES)}; default: prompt,decode")
    add("--threads", type=positive, default=2, help="default: 2")
    add("--prompt", type=positive, default=512, metavar="TOKENS", help="default: 512")
    add("--decode", type=positive, default=64, metavar="TOKENS", help="default: 64")
    add("--batch", type=positive, default=8, metavar="SEQUENCES", help="default: 8")
    add("--context", type=positive, default=4096, metavar="TOKENS", help="default: 4096")
    add("--rounds", type=count, default=5, help="samples of each figure; default: 5")
    add("--around", metavar="CMD", type=shlex.split, default=[],
        help="command in front of every measured run, for instance to pin it or to quiet the machine")
    add("--timeout", metavar="SECONDS", type=positive, default=600, help="for one run; default: 600")
    add("--samples", metavar="FILE", help="keep each sample there, and count those it has")
    add("--artifacts", metavar="DIR", type=pathlib.Path, default=ROOT / "build/peers",
        help="for compiled models; default: build/peers")
    add("-o", "--output", metavar="FILE", type=pathlib.Path, help="default: standard output")
    return check(parser, parser.parse_intermixed_args())


def check(parser, options):
    for model in options.models:
        if not model.is_file():
            parser.error(f"{model}: no such file")
    stems = [model.stem for model in options.models]
    for stem in stems:
        if stems.count(stem) > 1:
            parser.error(f"two models are called {stem}; the table knows them by this name")
    programs = options.peers + ([] if options.quipu == "none" else [Quipu(options.quipu, None)])
    if not programs:
        parser.error("no program: name one with --quipu or --peer")
    for program in programs:
        if not shutil.which(program.path):
            parser.error(f"{program.name}: {program.path} is no program that can be run")
    return options


class Artifacts:
    """Compiles each model once for this comparison: its other conversions would be another file's figures."""

    def __init__(self, options):
        self.options, self.made = options, {}

    def __call__(self, model):
        if model not in self.made:
            self.made[model] = self.compile(model)
        if isinstance(self.made[model], Failure):
            raise self.made[model]
        return self.made[model]

    def compile(self, model):
        options = self.options
        artifact = options.artifacts / (model.stem + ".qpu")
        options.artifacts.mkdir(parents=True, exist_ok=True)
        # Room for every token that the longest measure has in one sequence.
        longest = max(options.context if "context" in options.measures else BATCH_PROMPT, options.prompt)
        command = [options.quipu, "compile", model, "-o", artifact, "--max-sequences", options.batch]
        command += ["--max-context", longest + options.decode]
        try:
            run_once(command, [], options.timeout)
        except Failure as failure:
            return Failure(f"compile: {failure}")
        return artifact


def version_of(path):
    """What `quipu --version` says, and the commit where the program stands in a checkout."""
    try:
        said = last_line(run_once([path, "--version"], [], 60))
    except Failure as failure:
        return str(failure)
    folder = pathlib.Path(shutil.which(path)).resolve().parent
    found = subprocess.run(["git", "-C", folder, "describe", "--always", "--dirty"], text=True, capture_output=True)
    return f"{said}, commit {found.stdout.strip()}" if found.returncode == 0 else said


def sample_program(program, model, options, lengths, samples, target, commands):
    """One round of one program on one model, without the measures that have enough samples."""
    wanted = [name for name in options.measures if samples.count(program.name, model.stem, name) < target]

    def note(name, **outcome):
        date = datetime.datetime.now().isoformat(timespec="seconds")
        sample = Sample(program.name, model.stem, name, dataclasses.asdict(lengths), date=date, **outcome)
        samples.add(sample)
        said = f"failed: {sample.failure}" if sample.failure else f"{sample.rate:10.2f} tokens/s"
        print(f"{model.stem:24} {program.name:20} {name:8} {said}", file=sys.stderr, flush=True)

    try:
        for some, result, command in measure(program, model, lengths, wanted, options.around, options.timeout):
            commands.setdefault(program.name, command)
            for name in some:
                if isinstance(result, Failure):
                    note(name, failure=str(result))
                else:
                    note(name, rate=result.rates[name], share=result.shares.get(name), gain=result.gains.get(name), version=result.version)
    except Failure as failure:  # the model does not compile
        for name in wanted:
            note(name, failure=str(failure))


def compare(options, samples):
    lengths = Lengths(options.threads, options.prompt, options.decode, options.batch, options.context)
    samples.check_lengths(dataclasses.asdict(lengths))
    programs = list(options.peers)
    if options.quipu != "none":
        programs.insert(0, Quipu(options.quipu, Artifacts(options), version_of(options.quipu)))
    commands = {}
    # A model's programs take turns; the files of one model stay in memory meanwhile. Every other round goes backwards:
    # a machine that grows slower favours none.
    for model in options.models:
        for number in range(options.rounds):
            for program in programs[::-1] if number % 2 else programs:
                sample_program(program, model, options, lengths, samples, number + 1, commands)
    return table.render(samples, dataclasses.asdict(lengths), commands, datetime.date.today().isoformat())


def main():
    options = parse_arguments()
    try:
        page = compare(options, Samples(options.samples))
        if options.output:
            options.output.write_text(page)
        else:
            print(page, end="")
    except SampleFileError as error:
        sys.exit(f"tools/bench-peers: {error}")
    except OSError as error:
        sys.exit(f"tools/bench-peers: {error.filename}: {error.strerror}")


if __name__ == "__main__":
    main()
