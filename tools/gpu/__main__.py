"""tools/gpu-check: proves a GPU backend on a machine that has the GPU's driver and Python, and no compiler.

--pack writes a folder where Quipu is built; the folder's own gpu-check runs it where the GPU is."""
import argparse
import json
import pathlib
import sys

import figures
import report
import truth

EXAMPLE = """
example:
  tools/gpu-check --pack out/gpu                    # here
  out/gpu/gpu-check out/gpu --device cuda:0         # there, the folder copied"""


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"gpu-check: {message}; --help has the options\n")


def parse_arguments():
    parser = Parser(prog="gpu-check", description=__doc__, epilog=EXAMPLE,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=pathlib.Path, metavar="DIR", help="a packed folder to run")
    parser.add_argument("--device", help="device to run on: cuda:0, hip:0, simt")
    parser.add_argument("--only", default="", metavar="TEXT", help="conformance: only kernels with this in their name")
    parser.add_argument("--minutes", type=float, default=8, help="what does not fit is left out, and said (default: 8)")
    parser.add_argument("--no-bench", action="store_true", help="leave out the benchmark")
    parser.add_argument("--torch", action="store_true", help="also run Hugging Face transformers on the same shapes")
    parser.add_argument("--sanitize", action="store_true", help="also run conformance under compute-sanitizer")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write all results there")
    pack = parser.add_argument_group("where Quipu is built")
    pack.add_argument("--pack", type=pathlib.Path, metavar="DIR", help="write a folder to run elsewhere")
    pack.add_argument("--target", default="cuda:sm_90a", help="backend and chip to pack for (default: cuda:sm_90a)")
    pack.add_argument("--build", type=pathlib.Path, help="build folder (default: build/release)")
    pack.add_argument("--goldens", metavar="NAMES", help="only these golden models, as in demo,stories260k")
    pack.add_argument("--no-shapes", action="store_true", help="leave out the models for the benchmark")
    options = parser.parse_args()
    if bool(options.pack) == bool(options.folder and options.device):
        parser.error("give --pack DIR, or a packed folder and --device")
    return options


def run(options):
    folder = options.folder.resolve()
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
    except OSError as error:
        raise SystemExit(f"gpu-check: {folder} is no folder that --pack wrote: {error}")
    machine = report.Machine(folder, options.device, 60 * options.minutes)
    results = report.Results()
    results.device = machine.describe()
    truth.conformance(machine, manifest, results, options.only)
    truth.goldens(machine, manifest, results)
    truth.sequences(machine, manifest, results)
    if not options.no_bench:
        figures.bench(machine, manifest, results)
    if options.sanitize:
        truth.sanitize(machine, manifest, results, options.only)
    if options.torch:
        figures.torch(machine, manifest, results)
    results.print(manifest)
    if options.json:
        options.json.write_text(json.dumps(results.as_json(manifest), indent=1) + "\n")
    return 1 if results.failed() else 0


def main():
    options = parse_arguments()
    if not options.pack:
        return run(options)
    import pack
    return pack.pack(options)


sys.exit(main())
