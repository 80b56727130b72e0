"""The stages of tools/check, in their order."""
import argparse
import sys
import time

import hostile
import programs
import reference
import structure
import style
from results import Results, run


def build(options):
    outcome = Results()
    result = run(["tools/build", "release", "all", "quipu-tests"])
    outcome.claim([result.stdout] if result.returncode else [], "the release build failed")
    return outcome


# name, function, part of --fast, needs the release build, help
STAGES = [
    ("format", style.check_format, True, False, "clang-format over the C and C++ files"),
    ("structure", structure.check, True, False, "names, layers, sizes, paths in the docs (structure.py)"),
    ("build", build, True, False, "release build with all tests"),
    ("reference", reference.check, True, True, "docs/reference is what TableGen and tests generate"),
    ("unit", programs.check_unit_tests, True, True, "GoogleTest programs through ctest"),
    ("lit", programs.check_lit, True, True, "lit suites under test/"),
    ("hostile", hostile.check, False, False, "ASan and UBSan build of what reads foreign files: its tests and fuzzers"),
    ("lint", style.check_lint, False, True, "clang-tidy"),
]


def parse_arguments():
    stages = "\n".join(f"  {name:10} {text}" for name, _, _, _, text in STAGES)
    parser = argparse.ArgumentParser(
        prog="tools/check", formatter_class=argparse.RawDescriptionHelpFormatter, epilog="stages:\n" + stages)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help="only these stages (default: all)")
    parser.add_argument("--fast", action="store_true", help="leave out the slow tests and the stages hostile and lint")
    parser.add_argument("--fuzz", type=int, default=10, metavar="SECONDS", help="time for each fuzzer (default: 10)")
    options = parser.parse_args()
    unknown = set(options.stages) - {stage[0] for stage in STAGES}
    if unknown:
        parser.error(f"unknown stage {', '.join(sorted(unknown))}")
    return options


def wanted_stages(options):
    """The stages to run; one that tests the release build brings the build with it."""
    named = set(options.stages)
    if any(name in named for name, _, _, needs_build, _ in STAGES if needs_build):
        named.add("build")
    return [stage for stage in STAGES if (stage[0] in named if named else stage[2] or not options.fast)]


def report(name, outcome, seconds):
    counts = f"{outcome.passed} ok"
    if outcome.failures:
        counts += f", {len(outcome.failures)} FAILED"
    if outcome.skipped:
        counts += f", {outcome.skipped} skipped"
    if outcome.note:
        counts += f" ({outcome.note})"
    print(f"{name:10} {seconds:7.1f} s  {counts}", flush=True)
    for text in outcome.failures:
        print("  FAILED " + text.rstrip().replace("\n", "\n    "), flush=True)
    for text in outcome.warnings:
        print("  warning: " + text, flush=True)


def main():
    options = parse_arguments()
    total = Results()
    build_failed = False
    for name, stage, _, needs_build, _ in wanted_stages(options):
        if needs_build and build_failed:
            print(f"{name:10} not run: the build failed", flush=True)
            continue
        start = time.monotonic()
        outcome = stage(options)
        report(name, outcome, time.monotonic() - start)
        build_failed = build_failed or (name == "build" and bool(outcome.failures))
        total.add(outcome)
    skipped = f", {total.skipped} skipped" if total.skipped else ""
    print(f"check: {total.passed} passed, {len(total.failures)} failed{skipped}")
    return 1 if total.failures else 0


if __name__ == "__main__":
    sys.exit(main())
