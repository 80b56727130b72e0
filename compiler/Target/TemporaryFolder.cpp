#include "compiler/Target/TemporaryFolder.h"
#include "compiler/Target/FoldersOnSignal.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <utility>

namespace quipu {

Expected<TemporaryFolder> TemporaryFolder::create() {
  llvm::SmallString<128> folder;
  if (std::error_code error = llvm::sys::fs::createUniqueDirectory("quipu", folder))
    return makeError("cannot make a temporary folder: {}; set TMPDIR to a folder with room", error.message());
  return TemporaryFolder(std::string(folder));
}

TemporaryFolder::TemporaryFolder(std::string path) : folder(std::move(path)), onSignal(removeFolderOnSignal(folder)) {}

TemporaryFolder::TemporaryFolder(TemporaryFolder &&other) noexcept
    : folder(std::exchange(other.folder, {})), onSignal(std::exchange(other.onSignal, 0)) {}

TemporaryFolder::~TemporaryFolder() {
  if (!folder.empty())
    (void)llvm::sys::fs::remove_directories(folder);
  forgetFolder(onSignal);
}

std::string TemporaryFolder::path(const std::string &name) const { return folder + "/" + name; }

Expected<> TemporaryFolder::write(const std::string &name, const std::string &bytes) const {
  std::error_code error;
  llvm::raw_fd_ostream file(path(name), error);
  if (!error) {
    file << bytes;
    file.close();
    error = file.error();
  }
  if (error) {
    file.clear_error();
    return makeError("cannot write \"{}\": {}; set TMPDIR to a folder with room", path(name), error.message());
  }
  return {};
}

Expected<std::string> TemporaryFolder::read(const std::string &name) const {
  auto file = llvm::MemoryBuffer::getFile(path(name), /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return makeError("cannot read \"{}\": {}", path(name), file.getError().message());
  return (*file)->getBuffer().str();
}

} // namespace quipu
