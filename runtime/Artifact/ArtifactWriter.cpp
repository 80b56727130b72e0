#include "runtime/Artifact/ArtifactWriter.h"

#include "runtime/Artifact/WeightLayout.h"
#include "runtime/Artifact/WeightWriter.h"
#include "runtime/Support/OutputFile.h"

#include <cstring>
#include <optional>

namespace quipu {

namespace {

// Size and place of every section but the contents of the weight index, which comes with the weights.
struct Layout {
  std::vector<SectionEntry> sections;
  uint64_t fileSize = 0;

  SectionEntry &append(SectionKind kind, uint32_t index, uint64_t size) {
    fileSize = alignSection(kind, fileSize);
    sections.push_back({kind, index, fileSize, size, {}});
    fileSize += size;
    return sections.back();
  }
};

std::string packProgram(const fb::ProgramT &program) {
  flatbuffers::FlatBufferBuilder builder(64 << 10);
  fb::FinishProgramBuffer(builder, fb::Program::Pack(builder, &program));
  return std::string(reinterpret_cast<const char *>(builder.GetBufferPointer()), builder.GetSize());
}

// model.qpu -> model.weights
std::string weightsPath(const std::string &path) {
  size_t name = path.find_last_of('/') + 1;
  size_t dot = path.find_last_of('.');
  return path.substr(0, dot != std::string::npos && dot > name ? dot : path.size()) + ".weights";
}

Expected<void> writeHeader(OutputFile &file, const Layout &layout) {
  ArtifactHeader header = {};
  header.magic = artifactMagic;
  header.version = artifactVersion;
  header.sectionCount = static_cast<uint32_t>(layout.sections.size());
  header.fileSize = layout.fileSize;
  std::string bytes(reinterpret_cast<const char *>(&header), sizeof(header));
  bytes.append(reinterpret_cast<const char *>(layout.sections.data()), layout.sections.size() * sizeof(SectionEntry));
  header.digest = digestOf(bytes.data(), bytes.size());
  std::memcpy(bytes.data(), &header, sizeof(header));
  return file.writeAt(0, bytes.data(), bytes.size());
}

} // namespace

Expected<void> writeArtifact(const std::string &path, ArtifactContents &&contents,
                             const ArtifactWriterOptions &options) {
  WeightIndex index;
  index.placement = options.placement;
  Expected<uint64_t> weightBytes = placeWeights(contents.program);
  if (!weightBytes)
    return passError(std::move(weightBytes));
  index.bytes = *weightBytes;
  if (options.placement != WeightPlacement::None) {
    Expected<uint64_t> chunks = countWeightChunks(contents.program);
    if (!chunks)
      return passError(std::move(chunks));
    index.chunks.resize(*chunks);
  }
  std::optional<OutputFile> weightsFile;
  if (options.placement == WeightPlacement::File) {
    Expected<OutputFile> created = OutputFile::create(weightsPath(path));
    if (!created)
      return passError(std::move(created));
    weightsFile = std::move(*created);
    index.fileName = weightsFile->path().substr(weightsFile->path().find_last_of('/') + 1);
  }
  Expected<OutputFile> file = OutputFile::create(path);
  if (!file)
    return passError(std::move(file));

  std::string program = packProgram(contents.program);
  size_t sectionCount = 3 + contents.code.size() + (options.placement == WeightPlacement::Embed);
  Layout layout;
  layout.sections.reserve(sectionCount);
  layout.fileSize = sizeof(ArtifactHeader) + sectionCount * sizeof(SectionEntry);
  auto writeSection = [&](SectionEntry &section, const std::string &bytes) {
    section.digest = digestOf(bytes.data(), bytes.size());
    return file->writeAt(section.offset, bytes.data(), bytes.size());
  };
  if (Expected<void> result = writeSection(layout.append(SectionKind::Program, 0, program.size()), program); !result)
    return result;
  for (uint32_t i = 0; i < contents.code.size(); ++i)
    if (Expected<void> result =
            writeSection(layout.append(SectionKind::Code, i, contents.code[i].size()), contents.code[i]);
        !result)
      return result;
  if (Expected<void> result =
          writeSection(layout.append(SectionKind::Tokenizer, 0, contents.tokenizer.size()), contents.tokenizer);
      !result)
    return result;
  // The index has its final size already; its digests follow once the weights are written.
  SectionEntry &indexSection = layout.append(SectionKind::WeightIndex, 0, encodeWeightIndex(index).size());

  if (options.placement != WeightPlacement::None) {
    uint64_t offset = weightsFile ? 0 : layout.append(SectionKind::Weights, 0, index.bytes).offset;
    OutputFile &target = weightsFile ? *weightsFile : *file;
    Expected<std::vector<WeightChunk>> chunks =
        writeWeights(target, offset, contents.program, contents.packWeight, options);
    if (!chunks)
      return passError(std::move(chunks));
    index.chunks = std::move(*chunks);
  }
  if (Expected<void> result = writeSection(indexSection, encodeWeightIndex(index)); !result)
    return result;
  if (Expected<void> result = writeHeader(*file, layout); !result)
    return result;
  if (Expected<void> result = file->resize(layout.fileSize); !result)
    return result;
  if (weightsFile)
    if (Expected<void> result = weightsFile->commit(); !result)
      return result;
  return file->commit();
}

} // namespace quipu
