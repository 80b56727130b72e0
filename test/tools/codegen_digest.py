"""The digest of the code generator's sources against the files that the compiler read to build it: codegen_digest.py SOURCE BUILD.

Compiled kernels are kept under that digest. A file it misses would let kernels of an older generator be used.
"""
import pathlib
import subprocess
import sys

OBJECTS = ("compiler/Codegen/Cpu/CMakeFiles/QuipuCodegenCpu.dir/", "compiler/Codegen/Cpu/CMakeFiles/QuipuCpuBlocks.dir/BlockLayout.cpp.o",
           "compiler/Codegen/CMakeFiles/QuipuCodegen.dir/Signatures/", "compiler/Target/Cpu/CMakeFiles/QuipuCpuChip.dir/",
           *(f"compiler/Target/Cpu/CMakeFiles/QuipuTargetCpu.dir/{name}.cpp.o" for name in ("CompileKernels", "Link", "Lowering")))


def read_files(build):
    """Pairs of an object and a file that it was made from, both as Ninja has them."""
    listing = subprocess.run(["ninja", "-C", build, "-t", "deps"], check=True, text=True, capture_output=True).stdout
    name = ""
    for line in listing.splitlines():
        if line.startswith(" "):
            yield name, line.strip()
        elif line:
            name = line.split(":")[0]


def main(source, build):
    source, build = pathlib.Path(source).resolve(), pathlib.Path(build).resolve()
    listing = build / "compiler/Target/Cpu/CodegenVersion.inc.list"
    digested = set(listing.read_text().split())
    seen, missing = set(), {}
    for name, path in read_files(build):
        if not name.startswith(OBJECTS):
            continue
        seen.add(next(prefix for prefix in OBJECTS if name.startswith(prefix)))
        file = (build / path).resolve()
        if file.is_relative_to(build):
            file = source / file.relative_to(build)  # what is generated is made from a schema, or is the digest itself
            file = file.with_name(file.name.replace("_generated.h", ".fbs"))
            if file.name == "CodegenVersion.inc":
                continue
        if file.is_relative_to(source) and str(file.relative_to(source)) not in digested:
            missing[file.relative_to(source)] = name
    for prefix in set(OBJECTS) - seen:
        print(f"{prefix}: Ninja knows of no such object")
    for file, name in sorted(missing.items()):
        print(f"{file}: read for {name}, but not in {listing}")
    return 1 if missing or seen != set(OBJECTS) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
