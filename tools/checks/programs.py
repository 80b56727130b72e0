"""Runs the test programs and counts their test cases."""
import json
import shutil
import xml.etree.ElementTree

from results import JOBS, RELEASE, Results, run, tail, tracked_files


def check_unit_tests(options):
    return run_ctest(RELEASE, options.fast)


def run_ctest(build_folder, fast):
    """Runs every program registered with ctest; each GoogleTest case counts, a program without a result file counts as one."""
    results_folder = build_folder / "test-results"
    shutil.rmtree(results_folder, ignore_errors=True)
    results_folder.mkdir(parents=True)
    junit = results_folder / "ctest.xml"
    command = ["ctest", "--test-dir", build_folder, "-j", JOBS, "--output-junit", junit, "--no-tests=ignore"]
    ran = run(command + (["-LE", "^slow$"] if fast else []))
    outcome = Results()
    if not junit.exists():
        outcome.failures.append("ctest wrote no results\n" + tail(ran.stdout))
        return outcome
    for program in xml.etree.ElementTree.parse(junit).getroot().iter("testcase"):
        outcome.add(count_program(program, results_folder / (program.get("name") + ".json")))
    return outcome


def count_program(program, result_file):
    return count_results(program.get("name"), result_file, program.get("status") == "run", program.findtext("system-out"))


def count_results(name, result_file, ended_well, output):
    """The cases of one program's result file; a program without one counts as one case."""
    outcome = Results()
    if result_file.exists():
        for suite in json.loads(result_file.read_text())["testsuites"]:
            for case in suite["testsuite"]:
                count_case(outcome, f"{name}: {suite['name']}.{case['name']}", case)
    # A program that died left no results, or results of a test that did not fail.
    if not ended_well and not outcome.failures:
        outcome.failures.append(f"{name} did not end well\n{tail(output or 'no output')}")
    elif not result_file.exists():
        outcome.passed += 1
    return outcome


def count_case(outcome, name, case):
    if case.get("failures"):
        outcome.failures.append(name + "\n" + tail("\n".join(failure["failure"] for failure in case["failures"])))
    elif case["result"] == "SKIPPED":
        outcome.skipped += 1
    elif case["result"] == "COMPLETED":
        outcome.passed += 1


def check_lit(options):
    results_file = RELEASE / "test-results" / "lit.json"
    results_file.parent.mkdir(parents=True, exist_ok=True)
    results_file.unlink(missing_ok=True)
    if not any(path.suffix in (".mlir", ".test") and path.parts[0] == "test" for path in tracked_files()):
        return Results(note="no tests")
    command = ["lit-22", "-q", "-j", JOBS, "-o", results_file, RELEASE / "test"]
    ran = run(command + (["-Dfast=1"] if options.fast else []))
    outcome = Results()
    if not results_file.exists():
        outcome.failures.append("lit wrote no results\n" + tail(ran.stdout))
        return outcome
    for test in json.loads(results_file.read_text())["tests"]:
        if test["code"] in ("PASS", "FLAKYPASS", "XFAIL"):
            outcome.passed += 1
        elif test["code"] in ("UNSUPPORTED", "SKIPPED", "EXCLUDED"):
            outcome.skipped += 1
        else:
            outcome.failures.append(f"{test['name']} ({test['code']})\n{tail(test['output'], 60)}")
    return outcome
