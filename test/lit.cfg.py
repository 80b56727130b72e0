# The lit suites: compiler/ holds .mlir files, tools/ holds .test files that run the commands.
# Run them with `lit-22 build/release/test` (add -v and --filter NAME for one of them).
import os
import sys

import lit.formats

config.name = "quipu"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["inputs"]
config.test_source_root = os.path.join(config.source_dir, "test")
config.test_exec_root = os.path.join(config.build_dir, "test")

tool_folders = [os.path.join(config.build_dir, "bin"), config.llvm_tools_dir]
config.environment["PATH"] = os.pathsep.join(tool_folders + [config.environment["PATH"]])
# The user's own compile cache neither helps a test nor is filled by one.
config.environment["QUIPU_CACHE_DIR"] = os.path.join(config.build_dir, "test-cache")

shared_data = os.environ.get("QUIPU_SHARED_DATA") or os.path.join(config.source_dir, "..", "shared", "data")
shared_data = os.path.realpath(shared_data)
if os.path.isdir(shared_data):
    config.available_features.add("shared-data")
config.substitutions += [
    ("%shared_data", shared_data),
    ("%source", config.source_dir),
    ("%build", config.build_dir),
    ("%python", sys.executable),
]

# Artifacts for one CPU level run only where the level is there.
cpu_levels = {
    "x86-64-v3": {"avx2", "fma", "bmi2", "f16c"},
    "x86-64-v4": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
    "avx512-bf16": {"avx512_bf16"},
}
with open("/proc/cpuinfo") as cpuinfo:
    flags = next((set(line.split(":")[1].split()) for line in cpuinfo if line.startswith("flags")), set())
config.available_features |= {level for level, needed in cpu_levels.items() if needed <= flags}

# `tools/check --fast` leaves out the tests that say `REQUIRES: slow`.
if not lit_config.params.get("fast"):
    config.available_features.add("slow")
