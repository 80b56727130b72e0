#include "compiler/Target/Cpu/Link.h"

#include "lld/Common/Driver.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <mutex>

LLD_HAS_DRIVER(elf)

namespace quipu::cpu {
namespace {

// LLD reads and writes files; this is where they lie, gone when the link ends.
class TemporaryFolder {
public:
  TemporaryFolder() { error = llvm::sys::fs::createUniqueDirectory("quipu-link", folder); }
  ~TemporaryFolder() {
    if (!error)
      (void)llvm::sys::fs::remove_directories(folder);
  }
  std::string path(const std::string &name) const {
    llvm::SmallString<128> path(folder);
    llvm::sys::path::append(path, name);
    return std::string(path);
  }

  std::error_code error;

private:
  llvm::SmallString<128> folder;
};

Expected<> writeFile(const std::string &path, const std::string &bytes) {
  std::error_code error;
  llvm::raw_fd_ostream file(path, error);
  if (!error) {
    file << bytes;
    file.close();
    error = file.error();
  }
  if (error) {
    file.clear_error();
    return makeError("cannot write \"{}\": {}; set TMPDIR to a folder with room", path, error.message());
  }
  return {};
}

std::string firstLine(const std::string &text) { return text.substr(0, text.find('\n')); }

} // namespace

Expected<std::string> linkSharedObject(const std::vector<std::string> &objects,
                                       const std::vector<ExportedSymbol> &exports) {
  TemporaryFolder folder;
  if (folder.error)
    return makeError("cannot make a temporary folder: {}; set TMPDIR", folder.error.message());
  // No C library, no build id, no symbol table but the exported names; pages of 4 KiB keep the file small.
  std::vector<std::string> arguments = {"ld.lld",
                                        "-shared",
                                        "--no-undefined",
                                        "--gc-sections",
                                        "--strip-all",
                                        "-O1",
                                        "--build-id=none",
                                        "--hash-style=gnu",
                                        "-z",
                                        "now",
                                        "-z",
                                        "max-page-size=4096",
                                        "--threads=1",
                                        "--no-dynamic-linker",
                                        "-Bsymbolic"};
  std::string script = "{ global:";
  for (const ExportedSymbol &symbol : exports) {
    arguments.push_back("--defsym=" + symbol.name + "=" + symbol.definedAs);
    arguments.push_back("--undefined=" + symbol.definedAs); // a root for --gc-sections
    script += " " + symbol.name + ";";
  }
  script += " local: *; };\n";
  std::string scriptPath = folder.path("exports"), output = folder.path("kernels.so");
  if (auto written = writeFile(scriptPath, script); !written)
    return passError(std::move(written));
  arguments.insert(arguments.end(), {"--version-script=" + scriptPath, "-o", output});
  for (size_t i = 0; i < objects.size(); ++i) {
    arguments.push_back(folder.path(fmt::format("{:05}.o", i)));
    if (auto written = writeFile(arguments.back(), objects[i]); !written)
      return passError(std::move(written));
  }

  std::vector<const char *> argv;
  for (const std::string &argument : arguments)
    argv.push_back(argument.c_str());
  std::string diagnostics;
  llvm::raw_string_ostream stream(diagnostics);
  {
    static std::mutex oneLink; // LLD keeps state outside its context
    std::lock_guard<std::mutex> lock(oneLink);
    lld::DriverDef driver{lld::Gnu, &lld::elf::link};
    if (lld::lldMain(argv, stream, stream, {driver}).retCode != 0)
      return makeError("linking the kernels failed: {}", firstLine(diagnostics));
  }
  auto file = llvm::MemoryBuffer::getFile(output, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return makeError("cannot read \"{}\": {}", output, file.getError().message());
  return (*file)->getBuffer().str();
}

} // namespace quipu::cpu
