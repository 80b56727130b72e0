#include "tools/quipu/CompilerLibrary.h"
#include "tools/quipu/Progress.h"

#include <dlfcn.h>
#include <filesystem>

namespace quipu::tool {

static std::string besideProgram() {
  std::error_code error;
  std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error)
    return "";
  return (program.parent_path().parent_path() / "lib" / "libquipu_compiler.so").string();
}

Expected<std::string> compilerIdentity() {
  namespace fs = std::filesystem;
  std::error_code error;
  std::string path = besideProgram();
  if (fs::file_time_type changed = fs::last_write_time(path, error); !error)
    return fmt::format("{} {} {}", path, fs::file_size(path, error), changed.time_since_epoch().count());
  auto compiler = openCompiler();
  if (!compiler)
    return passError(std::move(compiler));
  return (*compiler)->version();
}

Expected<const CompilerApi *> openCompiler() {
  // Never closed: LLVM registers functions that run at exit.
  void *library = nullptr;
  std::string reason, opened;
  for (const std::string &path : {besideProgram(), std::string("libquipu_compiler.so")}) {
    if (path.empty() || (path.front() == '/' && !std::filesystem::exists(path)))
      continue;
    if ((library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL))) {
      opened = path;
      break;
    }
    reason = dlerror();
  }
  if (!library)
    return makeError(
        "cannot open the compiler, libquipu_compiler.so: {}; install it beside quipu in ../lib, or give an artifact "
        "(.qpu) compiled elsewhere",
        reason);
  auto interface = reinterpret_cast<const char *(*)()>(dlsym(library, "quipuCompilerInterface"));
  auto entry = reinterpret_cast<const CompilerApi *(*)()>(dlsym(library, "quipuCompilerApi"));
  std::string theirs = interface && entry ? interface() : "none";
  if (theirs != QUIPU_COMPILER_INTERFACE)
    return makeError("{}: is the compiler of another quipu (its interface is {}, this program's {}); install both from "
                     "the same build",
                     opened, theirs, QUIPU_COMPILER_INTERFACE);
  return entry();
}

Expected<CompileReport> compileModel(CompileRequest request) {
  auto compiler = openCompiler();
  if (!compiler)
    return passError(std::move(compiler));
  Progress progress;
  request.progress = [&](const std::string &what, uint64_t done, uint64_t total) { progress.show(what, done, total); };
  auto report = (*compiler)->compile(request);
  progress.clear();
  if (report)
    for (const std::string &warning : report->warnings)
      fmt::print(stderr, "quipu: warning: {}\n", warning);
  return report;
}

} // namespace quipu::tool
