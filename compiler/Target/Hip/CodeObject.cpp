#include "compiler/Target/Hip/CodeObject.h"

#include "llvm/BinaryFormat/ELF.h"
#include "llvm/BinaryFormat/MsgPackDocument.h"
#include "llvm/Object/ELF.h"

#include <optional>

namespace quipu::hip {

namespace {

using ElfFile = llvm::object::ELFFile<llvm::object::ELF64LE>;

// The bytes of the metadata note.
std::optional<std::string> findMetadata(const ElfFile &file) {
  auto headers = file.program_headers();
  if (!headers) {
    llvm::consumeError(headers.takeError());
    return std::nullopt;
  }
  std::optional<std::string> found;
  for (const auto &header : *headers) {
    if (header.p_type != llvm::ELF::PT_NOTE)
      continue;
    llvm::Error error = llvm::Error::success();
    for (const auto &note : file.notes(header, error))
      if (note.getName() == "AMDGPU" && note.getType() == llvm::ELF::NT_AMDGPU_METADATA)
        found = note.getDescAsStringRef(header.p_align).str();
    llvm::consumeError(std::move(error));
  }
  return found;
}

int64_t number(llvm::msgpack::MapDocNode &kernel, llvm::StringRef key) {
  auto entry = kernel.find(key);
  if (entry == kernel.end())
    return 0;
  if (entry->second.getKind() == llvm::msgpack::Type::UInt)
    return int64_t(entry->second.getUInt());
  return entry->second.getKind() == llvm::msgpack::Type::Int ? entry->second.getInt() : 0;
}

gpu::Resources resourcesOf(llvm::msgpack::MapDocNode &kernel) {
  gpu::Resources resources;
  resources.known = true;
  // Where accumulation registers are a part of one file (gfx90a and later), vgpr_count holds them already.
  resources.registers = number(kernel, ".vgpr_count");
  resources.scalarRegisters = number(kernel, ".sgpr_count");
  resources.sharedBytes = number(kernel, ".group_segment_fixed_size");
  resources.stackBytes = number(kernel, ".private_segment_fixed_size");
  // Scalar registers spill into lanes of vector registers; where those do not suffice, it shows as stack.
  resources.spills = number(kernel, ".vgpr_spill_count");
  return resources;
}

} // namespace

Expected<gpu::Resources> readCodeObject(const std::string &object, const std::string &symbol) {
  auto file = ElfFile::create(object);
  if (!file) {
    llvm::consumeError(file.takeError());
    return makeError("the code object is no ELF file");
  }
  std::optional<std::string> metadata = findMetadata(*file);
  llvm::msgpack::Document document;
  if (!metadata || !document.readFromBlob(*metadata, /*Multi=*/false) || !document.getRoot().isMap())
    return makeError("the code object has no metadata");
  llvm::msgpack::MapDocNode root = document.getRoot().getMap();
  auto kernels = root.find("amdhsa.kernels");
  if (kernels != root.end() && kernels->second.isArray())
    for (llvm::msgpack::DocNode &node : kernels->second.getArray())
      if (node.isMap())
        if (auto name = node.getMap().find(".name");
            name != node.getMap().end() && name->second.isString() && name->second.getString() == symbol)
          return resourcesOf(node.getMap());
  return makeError("the code object has no kernel {}", symbol);
}

} // namespace quipu::hip
