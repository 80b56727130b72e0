"""The comparison as markdown: what was run, a table with the misses marked, and what failed."""
import os
import pathlib
import platform
import re

MISS = " (miss)"
# What decides the speed of these programs, by the kernel's name of it.
EXTENSIONS = {"avx2": "AVX2", "avx512f": "AVX-512", "avx512_bf16": "BF16", "avx512_vnni": "VNNI", "amx_int8": "AMX"}


def machine():
    """The processor, how much of it there is, and its memory."""
    try:
        cpuinfo = pathlib.Path("/proc/cpuinfo").read_text()
        memory = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text()).group(1)) / 2**20
    except (OSError, AttributeError):
        return f"{platform.machine()}, {len(os.sched_getaffinity(0))} CPUs"
    name = re.search(r"model name\s*:\s*(.+)", cpuinfo)
    flags = set((re.search(r"flags\s*:\s*(.+)", cpuinfo) or [" ", ""])[1].split())
    extensions = ", ".join(text for flag, text in EXTENSIONS.items() if flag in flags)
    cpus = len(os.sched_getaffinity(0))
    return f"{name[1] if name else platform.machine()} ({extensions}), {cpus} CPUs, {memory:.0f} GiB"


def title(measure, lengths):
    return {
        "prompt": f"prompt {lengths['prompt']}",
        "decode": f"decode {lengths['decode']}",
        "batch": f"decode, {lengths['batch']} sequences",
        "context": f"decode after {lengths['context']}",
    }[measure]


def cell(figure):
    if figure is None:
        return "-"
    middle = figure.median()
    return "failed" if middle is None else f"{middle:.1f}"


def share_cell(figure, measure):
    """Of the machine's limit; and how many times as fast as one sequence a batch is."""
    if figure is None:
        return "-"
    share, gain = figure.share(), figure.gain()
    parts = [] if share is None else [f"{100 * share:.1f} % of {'peak' if measure == 'prompt' else 'bandwidth'}"]
    parts += [] if gain is None else [f"{gain:.2f} times one sequence"]
    return ", ".join(parts) or "-"


def ratio_cell(own, peers):
    """Quipu over the fastest peer; below one is a miss."""
    best = max((figure.median() for figure in peers if figure and figure.median()), default=None)
    if best is None:
        return "no peer"
    if own is None or own.median() is None:
        return "no figure" + MISS
    ratio = own.median() / best
    return f"{ratio:.2f}" + (MISS if round(ratio, 2) < 1 else "")


def rows(figures, programs, lengths):
    """One row for each model and measure."""
    for model, measure in dict.fromkeys((model, measure) for model, measure, _ in figures):
        found = {program: figures.get((model, measure, program)) for program in programs}
        peers = [program for program in programs if program != "Quipu"]
        own = found.get("Quipu")
        cells = [model, title(measure, lengths), cell(own), share_cell(own, measure)]
        yield cells + [cell(found[peer]) for peer in peers] + [ratio_cell(own, [found[peer] for peer in peers])]


def markdown_row(cells):
    return "| " + " | ".join(text.replace("|", "\\|") for text in cells) + " |"


def failures(figures, lengths):
    for (model, measure, program), figure in figures.items():
        for text, count in count_each(figure.failures).items():
            times = f" ({count} times)" if count > 1 else ""
            yield f"- {program} on {model}, {title(measure, lengths)}: {without_folders(text)}{times}"


def without_folders(text):
    """Where the programs and files lay on one machine is of no use to a reader of the page."""
    return re.sub(r"(?<![\w.])\.{0,2}/(?:[\w.+-]+/)*(?=[\w.+-])", "", text)


def count_each(texts):
    return {text: texts.count(text) for text in dict.fromkeys(texts)}


def rounds(figures):
    counts = sorted({len(figure.rates) for figure in figures.values() if figure.rates})
    return " to ".join(str(count) for count in dict.fromkeys(counts[:1] + counts[-1:])) or "no"


def render(samples, lengths, commands, date):
    """The page. `commands`: an example of each program's command line."""
    figures = samples.figures()
    programs = list(dict.fromkeys(["Quipu"] + [program for _, _, program in figures]))
    peers = [program for program in programs if program != "Quipu"]
    spreads = [figure.spread() for figure in figures.values() if figure.rates]
    lines = [
        "# Comparison with other programs",
        "",
        f"Written by `tools/bench-peers` on {date}. Machine: {machine()}. {lengths['threads']} threads.",
        f"Tokens per second, medians of {rounds(figures)} runs, the programs in turn; every run is a process of its",
        "own and warms up first. The ratio is Quipu's figure to the fastest other program's; the shares are of what",
        "`quipu bench` probed in the same run, and a batch is held against steps of one sequence in turn with its own.",
    ]
    if spreads:
        lines += [f"The sample farthest from its median is {100 * max(spreads):.0f} % off it."]
    lines += ["", markdown_row(["file", "measure", "Quipu", "share"] + peers + ["ratio"])]
    lines += ["|" + "---|" * (5 + len(peers))]
    lines += [markdown_row(cells) for cells in rows(figures, programs, lengths)]
    failed = list(failures(figures, lengths))
    if failed:
        lines += ["", "What failed:", ""] + failed
    lines += ["", "Versions and commands:", ""]
    versions = samples.versions()
    for program in programs:
        text = ", ".join(versions.get(program, [])) or "not given"
        lines += [f"- {program}: {text}" + (f"; `{without_folders(commands[program])}`" if program in commands else "")]
    return "\n".join(lines) + "\n"
