"""Rules that hold the documentation to the tree."""
import glob
import itertools
import re

from results import ROOT

FOLDERS = "compiler|runtime|models|tools|test|docs|cmake"
# Generated text quotes no paths of its own accord.
PATH = re.compile(rf"(?<![\w./<>-])(?:{FOLDERS})/[\w.*{{}},/<>-]*")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
ENVIRONMENT_PAGE = "docs/environment.md"
# What the code reads: getenv("X"), environment("X"), os.environ["X"], os.environ.get("X"), and names of ours passed about as literals.
VARIABLE = re.compile(r"""(?:getenv|environ(?:ment|\.get)?)[\[(]\s*["']([A-Z_0-9]{3,})["']|["'](QUIPU_[A-Z_0-9]+)["']""")
# And what it reads through a library: std::filesystem and LLVM look for programs and the folder of temporary files there.
READ_BY_LIBRARIES = {"temp_directory_path": "TMPDIR", "createUniqueDirectory": "TMPDIR", "findProgramByName": "PATH"}


def pages(files):
    return [path for path in files if path.suffix == ".md" and (path.parts[0] == "docs" or path.name == "README.md")]


def expand_braces(text):
    """a/{b,c}/d -> a/b/d, a/c/d"""
    parts = [part.split(",") for part in re.split(r"[{}]", text)]
    # Odd parts stood in braces; a comma outside of braces is no choice.
    parts = [part if index % 2 else [",".join(part)] for index, part in enumerate(parts)]
    return ["".join(choice) for choice in itertools.product(*parts)]


def paths_in_docs(files):
    """A path that is only an example holds a <placeholder>."""
    for page in pages(files):
        for number, line in enumerate((ROOT / page).read_text().splitlines(), 1):
            for found in PATH.findall(line):
                if "<" in found:
                    continue
                for path in expand_braces(found.rstrip(".,/")):
                    if not glob.glob(str(ROOT / path)):
                        yield f"{page}:{number}: {path} is not in the tree"


def links(page):
    for target in LINK.findall((ROOT / page).read_text()):
        if not re.match(r"[a-z]+:", target):
            yield (ROOT / page.parent / target).resolve()


def links_in_docs(files):
    for page in pages(files):
        for target in links(page):
            if not target.exists():
                yield f"{page}: the link to {target.name} leads nowhere"


def reachable_pages(files):
    """Every page under docs/ can be reached by links from README.md."""
    by_path = {(ROOT / page).resolve(): page for page in pages(files)}
    waiting = [page for page in by_path.values() if str(page) in ("README.md", "docs/README.md")]
    reached = set(waiting)
    while waiting:
        for target in links(waiting.pop()):
            page = by_path.get(target)
            if page and page not in reached:
                reached.add(page)
                waiting.append(page)
    for page in by_path.values():
        if page.parts[0] == "docs" and page not in reached:
            yield f"{page}: no page links to it"


def environment_variables(files):
    page = ROOT / ENVIRONMENT_PAGE
    listed = set(re.findall(r"`([A-Z_0-9]{3,})`", page.read_text())) if page.exists() else set()
    read = {}
    for path in files:
        if path.suffix in {".c", ".cpp", ".h", ".py"} or path.parts[0] == "tools" and not path.suffix:
            text = (ROOT / path).read_text(errors="replace")
            for names in VARIABLE.findall(text):
                read.setdefault(names[0] or names[1], path)
            for function, name in READ_BY_LIBRARIES.items():
                if path.suffix == ".cpp" and function in text:
                    read.setdefault(name, path)
    for name in sorted(set(read) - listed - {"PATH"}):
        yield f"{read[name]}: reads {name}, which {ENVIRONMENT_PAGE} does not list"
    for name in sorted(listed - set(read)):
        yield f"{ENVIRONMENT_PAGE}: lists {name}, which nothing reads"


RULES = [paths_in_docs, links_in_docs, reachable_pages, environment_variables]
