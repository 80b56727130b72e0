"""Runs the test cases of one of these programs and leaves their results where tools/check counts them.

A program makes its cases from tables: `add_case(Class, name, function, *arguments)` gives the class a test method. With
GTEST_OUTPUT=json:FILE in the environment the results are written in GoogleTest's form, as those of the C++ tests are.
"""
import argparse
import json
import os
import pathlib
import re
import sys
import unittest

import quipu_command


def add_case(suite, name, function, *arguments):
    method = "test_" + re.sub(r"\W+", "_", name)
    assert not hasattr(suite, method), f"two cases are called {method}"
    setattr(suite, method, lambda self: function(self, *arguments))


class CountedResult(unittest.TextTestResult):
    """Keeps what became of each case; a case with failing subtests is one failure."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.cases = {}

    def startTest(self, test):
        super().startTest(test)
        self.cases[test.id()] = {"name": test.id().rsplit(".", 1)[1], "result": "COMPLETED", "failures": []}

    def note(self, test, error):
        if test.id() in self.cases and error:
            self.cases[test.id()]["failures"].append({"failure": self._exc_info_to_string(error, test)})

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.note(test, error)

    def addError(self, test, error):
        super().addError(test, error)
        self.cases.setdefault(test.id(), {"name": test.id(), "result": "COMPLETED", "failures": []})  # setUpClass
        self.note(test, error)

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error:
            self.cases[test.id()]["failures"].append({"failure": f"{subtest}: {self._exc_info_to_string(error, test)}"})

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.cases.setdefault(test.id(), {"name": test.id(), "failures": []})["result"] = "SKIPPED"


def write_results(result):
    kind, _, path = os.environ.get("GTEST_OUTPUT", "").partition(":")
    if kind != "json" or not path:
        return
    name = pathlib.Path(sys.argv[0]).stem
    suites = {"testsuites": [{"name": name, "testsuite": list(result.cases.values())}]}
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(path).write_text(json.dumps(suites))


def main():
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--quipu", required=True, type=pathlib.Path, help="the program under test")
    parser.add_argument("--compile-with", type=pathlib.Path,
                        help="a quipu that can compile, where the program under test has no compiler beside it")
    parser.add_argument("-k", metavar="PATTERN", action="append", help="only cases whose name has this in it")
    options = parser.parse_args()
    quipu_command.program = options.quipu.resolve()
    quipu_command.compiling_program = (options.compile_with or options.quipu).resolve()
    loader = unittest.TestLoader()
    loader.testNamePatterns = [f"*{pattern}*" for pattern in options.k] if options.k else None
    runner = unittest.TextTestRunner(resultclass=CountedResult, verbosity=1)
    result = runner.run(loader.loadTestsFromModule(sys.modules["__main__"]))
    write_results(result)
    sys.exit(0 if result.wasSuccessful() else 1)
