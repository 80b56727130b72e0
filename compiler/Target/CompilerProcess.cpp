#include "compiler/Target/CompilerProcess.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Program.h"

#include <optional>
#include <unistd.h>

namespace quipu {

// Compilers that are ended by a signal leave their temporary files behind: the folder goes, and they with it.
static std::vector<std::string> environmentWith(const TemporaryFolder &folder) {
  std::vector<std::string> variables = {"TMPDIR=" + folder.path()};
  for (char **variable = environ; *variable; ++variable)
    if (!llvm::StringRef(*variable).starts_with("TMPDIR="))
      variables.emplace_back(*variable);
  return variables;
}

Expected<CompilerRun> runCompiler(const std::string &program, const std::vector<std::string> &arguments,
                                  const std::string &input, const TemporaryFolder &folder) {
  if (auto written = folder.write("input", input); !written)
    return passError(std::move(written));
  llvm::SmallVector<llvm::StringRef, 32> argv = {program};
  argv.append(arguments.begin(), arguments.end());
  std::string from = folder.path("input"), to = folder.path("output"), problem;
  std::optional<llvm::StringRef> redirects[] = {from, to, to};
  bool failed = false;
  std::vector<std::string> variables = environmentWith(folder);
  llvm::SmallVector<llvm::StringRef, 64> environment(variables.begin(), variables.end());
  CompilerRun run;
  run.status = llvm::sys::ExecuteAndWait(program, argv, llvm::ArrayRef<llvm::StringRef>(environment), redirects, 0, 0,
                                         &problem, &failed);
  if (failed || run.status < 0)
    return makeError("{}: {}", program, problem.empty() ? "ended by a signal" : problem);
  auto output = folder.read("output");
  if (!output)
    return passError(std::move(output));
  run.output = std::move(*output);
  return run;
}

std::string errorLines(const std::string &output) {
  std::string errors;
  int left = 3;
  for (llvm::StringRef line : llvm::split(output, '\n'))
    if (line.contains("error: ") && left-- > 0)
      errors += (errors.empty() ? "" : "; ") + line.trim().str();
  return errors.empty() ? llvm::StringRef(output).ltrim().split('\n').first.str() : errors;
}

} // namespace quipu
