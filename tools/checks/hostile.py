"""Tests and fuzzers of what reads foreign files, built with AddressSanitizer and UndefinedBehaviorSanitizer."""
import concurrent.futures
import pathlib

from programs import run_ctest
from results import ASAN, JOBS, Results, run, tail


def check(options):
    outcome = Results()
    built = run(["tools/build", "asan", "all", "quipu-tests", "quipu-fuzzers"])
    outcome.claim([built.stdout] if built.returncode else [], "the asan build failed")
    if built.returncode:
        return outcome
    outcome.add(run_ctest(ASAN, options.fast))
    fuzzers = [line.split() for line in (ASAN / "fuzzers.txt").read_text().splitlines()]
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for result in pool.map(lambda words: fuzz(words[0], words[1:], options.fuzz), fuzzers):
            outcome.add(result)
    outcome.note = f"{len(fuzzers)} fuzzers, {options.fuzz} s each"
    return outcome


def fuzz(name, seeds, seconds):
    """Inputs that reach new code stay in build/asan/fuzz/NAME, so each run goes on from the last."""
    corpus = ASAN / "fuzz" / name
    corpus.mkdir(parents=True, exist_ok=True)
    command = [ASAN / "bin" / name, f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048",
               "-print_final_stats=0", f"-artifact_prefix={corpus}-", corpus, *map(pathlib.Path, seeds)]
    ran = run(command)
    outcome = Results()
    outcome.claim([tail(ran.stdout)] if ran.returncode else [], f"fuzzer {name} (the input lies beside {corpus})")
    return outcome
