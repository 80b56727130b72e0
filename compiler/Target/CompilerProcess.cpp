#include "compiler/Target/CompilerProcess.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Program.h"

#include <optional>

namespace quipu {

Expected<CompilerRun> runCompiler(const std::string &program, const std::vector<std::string> &arguments,
                                  const std::string &input, const TemporaryFolder &folder) {
  if (auto written = folder.write("input", input); !written)
    return passError(std::move(written));
  llvm::SmallVector<llvm::StringRef, 32> argv = {program};
  argv.append(arguments.begin(), arguments.end());
  std::string from = folder.path("input"), to = folder.path("output"), problem;
  std::optional<llvm::StringRef> redirects[] = {from, to, to};
  bool failed = false;
  CompilerRun run;
  run.status = llvm::sys::ExecuteAndWait(program, argv, std::nullopt, redirects, 0, 0, &problem, &failed);
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
