#include "compiler/Target/Clang/Clang.h"

#include "compiler/Target/TemporaryFolder.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Program.h"

#include <cstdlib>
#include <optional>

namespace quipu {

namespace {

struct Run {
  int status = 0;
  std::string output; // of both streams
};

// No shell: arguments arrive as they are.
Expected<Run> runProgram(const std::string &program, const std::vector<std::string> &arguments,
                         const std::string &input, const TemporaryFolder &folder) {
  if (auto written = folder.write("input", input); !written)
    return passError(std::move(written));
  llvm::SmallVector<llvm::StringRef, 32> argv = {program};
  argv.append(arguments.begin(), arguments.end());
  std::string from = folder.path("input"), to = folder.path("output"), problem;
  std::optional<llvm::StringRef> redirects[] = {from, to, to};
  bool failed = false;
  Run run;
  run.status = llvm::sys::ExecuteAndWait(program, argv, std::nullopt, redirects, 0, 0, &problem, &failed);
  if (failed || run.status < 0)
    return makeError("{}: {}", program, problem.empty() ? "ended by a signal" : problem);
  auto output = folder.read("output");
  if (!output)
    return passError(std::move(output));
  run.output = std::move(*output);
  return run;
}

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

// The lines that say error, without the place in a text nobody has: "no such thing; expected ';'".
std::string errorLines(llvm::StringRef output) {
  std::string errors;
  int left = 3;
  for (llvm::StringRef line : llvm::split(output, '\n'))
    if (size_t at = line.find("error: "); at != llvm::StringRef::npos && left-- > 0)
      errors += (errors.empty() ? "" : "; ") + line.substr(0, at).ltrim("<").str() + line.substr(at + 7).str();
  return errors.empty() ? output.take_until([](char c) { return c == '\n'; }).str() : errors;
}

} // namespace

Expected<Clang> Clang::find() {
  Expected<std::string> program = findProgram();
  if (!program)
    return passError(std::move(program));
  Expected<TemporaryFolder> folder = TemporaryFolder::create();
  if (!folder)
    return passError(std::move(folder));
  Expected<Run> run = runProgram(*program, {"--version"}, "", *folder);
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
  Expected<Run> run = runProgram(program, all, source, *folder);
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
