#include "compiler/Target/Clang/Clang.h"

#include "compiler/Target/CompilerProcess.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Program.h"

#include <cstdlib>

namespace quipu {

namespace {

Expected<std::string> findProgram() {
  const char *asked = std::getenv("QUIPU_CLANG");
  if (asked && llvm::StringRef(asked) == "none")
    return makeError("clang is switched off by QUIPU_CLANG");
  if (asked && *asked) {
    if (auto program = llvm::sys::findProgramByName(asked))
      return *program;
    return makeError("QUIPU_CLANG says \"{}\", which is not a program", asked);
  }
  for (const char *name : {"clang-22", "clang-23", "clang-24", "clang-21", "clang-20", "clang-19", "clang"})
    if (auto program = llvm::sys::findProgramByName(name))
      return *program;
  return makeError("there is no clang in PATH; install clang-22 and lld-22, or set QUIPU_CLANG to the program");
}

} // namespace

Expected<Clang> Clang::find() {
  Expected<std::string> program = findProgram();
  if (!program)
    return passError(std::move(program));
  Expected<TemporaryFolder> folder = TemporaryFolder::create();
  if (!folder)
    return passError(std::move(folder));
  Expected<CompilerRun> run = runCompiler(*program, {"--version"}, "", *folder);
  if (!run)
    return passError(std::move(run));
  Clang clang;
  clang.program = std::move(*program);
  llvm::StringRef line = llvm::StringRef(run->output).split('\n').first;
  clang.versionText = line.str();
  llvm::StringRef number = line.split("clang version ").second;
  if (run->status != 0 || number.consumeInteger(10, clang.majorVersion))
    return makeError("{} --version did not say \"clang version\"; set QUIPU_CLANG to a clang of LLVM {} or later",
                     clang.program, oldestMajor);
  if (clang.majorVersion < oldestMajor)
    return makeError("{} is clang {}; kernels need {} or later: install clang-22, or set QUIPU_CLANG", clang.program,
                     clang.majorVersion, oldestMajor);
  return clang;
}

Expected<std::string> Clang::compile(std::string_view what, std::string_view language, const std::string &source,
                                     const std::vector<std::string> &arguments) const {
  Expected<TemporaryFolder> folder = TemporaryFolder::create();
  if (!folder)
    return passError(std::move(folder));
  std::vector<std::string> all = arguments;
  // From standard input, so that no path of this machine gets into the code.
  all.insert(all.end(), {"-x", std::string(language), "-", "-o", folder->path("code")});
  Expected<CompilerRun> run = runCompiler(program, all, source, *folder);
  if (!run)
    return makeError("{}: {}", what, run.error().message);
  if (run->status != 0)
    return makeError("{}: {}: {}", what, program, errorLines(run->output));
  Expected<std::string> code = folder->read("code");
  if (!code)
    return makeError("{}: {} wrote nothing: {}", what, program, code.error().message);
  return code;
}

} // namespace quipu
