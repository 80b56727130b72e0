#include "compiler/Target/Hip/Hiprtc.h"

#include "compiler/Target/CompilerProcess.h"
#include "compiler/Target/Hip/CodeObject.h"

#include "llvm/ADT/StringExtras.h"

#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>

namespace quipu::hip {

namespace {

namespace fs = std::filesystem;

// The release of HIP with which AMD began to support the chip; before it, hiprtc may end its process when asked.
struct Known {
  const char *chip;
  int release;
};
constexpr Known knownChips[] = {
    {"gfx90a", 500}, {"gfx1030", 500}, {"gfx942", 600},  {"gfx1100", 505},
    {"gfx950", 700}, {"gfx1151", 604}, {"gfx1200", 604}, {"gfx1201", 604},
};

// quipu-hiprtc lies beside the program, or in ../bin of the library that this code is in.
Expected<std::string> findProgram() {
  std::error_code error;
  std::vector<fs::path> folders = {fs::read_symlink("/proc/self/exe", error).parent_path()};
  Dl_info place;
  if (::dladdr(reinterpret_cast<void *>(&leastHipRelease), &place) && place.dli_fname)
    folders.push_back(fs::path(place.dli_fname).parent_path().parent_path() / "bin");
  for (const fs::path &folder : folders)
    if (fs::path program = folder / "quipu-hiprtc"; fs::exists(program, error))
      return program.string();
  return makeError("there is no quipu-hiprtc beside quipu, which runs AMD's hiprtc; install it there");
}

std::vector<std::string> libraries() {
  const char *asked = std::getenv("QUIPU_HIPRTC");
  if (asked && *asked)
    return {asked};
  std::vector<std::string> names;
  for (const char *folder : {"", "/opt/rocm/lib/"})
    for (const char *name : {"libhiprtc.so.7", "libhiprtc.so.6", "libhiprtc.so.5", "libamdhip64.so.5"})
      names.push_back(std::string(folder) + name);
  return names;
}

std::vector<std::string> optionsFor(const std::string &chip) {
  return {"--gpu-architecture=" + chip, "-std=c++17", "-O3"};
}

} // namespace

int leastHipRelease(const std::string &chip) {
  for (const Known &known : knownChips)
    if (chip == known.chip)
      return known.release;
  return 0;
}

Expected<std::unique_ptr<Hiprtc>> Hiprtc::open(const std::string &chip) {
  if (libraries().front() == "none")
    return makeError("hiprtc is switched off by QUIPU_HIPRTC");
  Expected<std::string> program = findProgram();
  if (!program)
    return passError(std::move(program));
  Expected<TemporaryFolder> folder = TemporaryFolder::create();
  if (!folder)
    return passError(std::move(folder));
  std::string reason;
  for (const std::string &library : libraries()) {
    Expected<CompilerRun> run = runCompiler(*program, {library}, "", *folder);
    if (!run || run->status != 0) {
      reason = run ? errorLines(run->output) : run.error().message;
      continue;
    }
    std::unique_ptr<Hiprtc> compiler(new Hiprtc);
    compiler->program = *program;
    compiler->library = library;
    compiler->build = llvm::StringRef(run->output).trim().str();
    llvm::StringRef number = compiler->build;
    if (number.consumeInteger(10, compiler->release))
      return makeError("{} tells no version but \"{}\"", library, compiler->build);
    compiler->release /= 100000;
    compiler->chip = chip;
    int least = leastHipRelease(chip);
    if (least == 0 || compiler->release < least)
      return makeError("{} ({}) does not know {}", compiler->name(), library, chip);
    return compiler;
  }
  return makeError("there is no hiprtc: {}", reason);
}

std::string Hiprtc::name() const { return fmt::format("hiprtc {}.{}", release / 100, release % 100); }

std::string Hiprtc::identity() const {
  return fmt::format("{} {} {}", name(), build, llvm::join(optionsFor(chip), " "));
}

Expected<gpu::DeviceCode> Hiprtc::compile(const std::string &symbol, const std::string &source) const {
  std::string what = fmt::format("kernel @{} for {}: {}", symbol, chip, name());
  Expected<TemporaryFolder> folder = TemporaryFolder::create();
  if (!folder)
    return passError(std::move(folder));
  std::vector<std::string> arguments = {library, symbol + ".hip", folder->path("code")};
  for (std::string &option : optionsFor(chip))
    arguments.push_back(std::move(option));
  Expected<CompilerRun> run = runCompiler(program, arguments, source, *folder);
  if (!run)
    return makeError("{}: {}", what, run.error().message);
  if (run->status != 0)
    return makeError("{}: {}", what, errorLines(run->output));
  gpu::DeviceCode code;
  Expected<std::string> object = folder->read("code");
  if (!object)
    return makeError("{}: {}", what, object.error().message);
  Expected<gpu::Resources> resources = readCodeObject(*object, symbol);
  if (!resources)
    return makeError("{}: {}", what, resources.error().message);
  code.native = std::move(*object);
  code.resources = *resources;
  return code;
}

} // namespace quipu::hip
