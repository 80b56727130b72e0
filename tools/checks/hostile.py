"""Tests and fuzzers of what reads foreign files, built with AddressSanitizer and UndefinedBehaviorSanitizer."""
import concurrent.futures
import os
import pathlib

from programs import count_results, run_ctest
from results import ASAN, JOBS, RELEASE, ROOT, Results, run, tail

# Tests of the whole command that its instrumented build goes through, with artifacts from the release build's compiler.
COMMAND_TESTS = ["bad_artifacts", "bad_arguments"]


def check(options):
    outcome = Results()
    built = run(["tools/build", "asan", "all", "quipu-tests", "quipu-fuzzers"])
    outcome.claim([built.stdout] if built.returncode else [], "the asan build failed")
    if built.returncode:
        return outcome
    outcome.add(run_ctest(ASAN, options.fast))
    outcome.add(check_command())
    fuzzers = [line.split() for line in (ASAN / "fuzzers.txt").read_text().splitlines()]
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for result in pool.map(lambda words: fuzz(words[0], words[1:], options.fuzz), fuzzers):
            outcome.add(result)
    outcome.note = f"{len(fuzzers)} fuzzers, {options.fuzz} s each"
    return outcome


def check_command():
    outcome = Results()
    built = run(["tools/build", "release", "quipu", "quipu_compiler"])
    outcome.claim([built.stdout] if built.returncode else [], "the release build failed, so the asan build has nothing to run")
    if not built.returncode:
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            for result in pool.map(command_test, COMMAND_TESTS):
                outcome.add(result)
    return outcome


def command_test(name):
    result_file = ASAN / "test-results" / f"{name}.json"
    environment = os.environ | {"GTEST_OUTPUT": f"json:{result_file}", "QUIPU_CACHE_DIR": str(RELEASE / "test-cache")}
    ran = run(["/usr/bin/python3", "-B", ROOT / "test" / "EndToEnd" / f"{name}.py", "--quipu", ASAN / "bin" / "quipu",
               "--compile-with", RELEASE / "bin" / "quipu"], env=environment)
    return count_results(f"asan {name}", result_file, ran.returncode == 0, ran.stdout)


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
