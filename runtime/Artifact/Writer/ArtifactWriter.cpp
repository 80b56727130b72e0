#include "runtime/Artifact/Writer/ArtifactWriter.h"

#include "runtime/Artifact/WeightLayout.h"
#include "runtime/Artifact/Writer/WeightWriter.h"
#include "runtime/Support/OutputFile.h"

#include <cstring>

namespace quipu {

namespace {

// The artifact as it grows: sections one behind the other, header and table at the end.
class SectionWriter {
public:
  SectionWriter(OutputFile &file, size_t sectionCount)
      : file(file), end(sizeof(ArtifactHeader) + sectionCount * sizeof(SectionEntry)) {}

  // Makes room for a section; returns its number in the table.
  size_t append(SectionKind kind, uint32_t index, uint64_t size) {
    uint64_t offset = alignSection(kind, end);
    sections.push_back({kind, index, offset, size, {}});
    end = offset + size;
    return sections.size() - 1;
  }

  uint64_t offsetOf(size_t section) const { return sections[section].offset; }

  Expected<void> write(size_t section, const std::string &bytes) {
    sections[section].digest = digestOf(bytes.data(), bytes.size());
    return file.writeAt(sections[section].offset, bytes.data(), bytes.size());
  }

  Expected<void> append(SectionKind kind, uint32_t index, const std::string &bytes) {
    return write(append(kind, index, bytes.size()), bytes);
  }

  Expected<void> finish() {
    ArtifactHeader header = {};
    header.magic = artifactMagic;
    header.version = artifactVersion;
    header.sectionCount = static_cast<uint32_t>(sections.size());
    header.fileSize = end;
    std::string bytes(reinterpret_cast<const char *>(&header), sizeof(header));
    bytes.append(reinterpret_cast<const char *>(sections.data()), sections.size() * sizeof(SectionEntry));
    header.digest = digestOf(bytes.data(), bytes.size());
    std::memcpy(bytes.data(), &header, sizeof(header));
    if (Expected<void> result = file.writeAt(0, bytes.data(), bytes.size()); !result)
      return result;
    return file.resize(end);
  }

private:
  OutputFile &file;
  uint64_t end;
  std::vector<SectionEntry> sections;
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

// What is known of the weight index before the weights are packed; its encoded size is final.
Expected<WeightIndex> startIndex(fb::ProgramT &program, WeightPlacement placement, const std::string &weightsFile) {
  WeightIndex index;
  index.placement = placement;
  Expected<uint64_t> bytes = placeWeights(program);
  if (!bytes)
    return passError(std::move(bytes));
  index.bytes = *bytes;
  if (placement == WeightPlacement::None)
    return index;
  Expected<uint64_t> chunks = countWeightChunks(program);
  if (!chunks)
    return passError(std::move(chunks));
  index.chunks.resize(*chunks);
  if (placement == WeightPlacement::File)
    index.fileName = weightsFile.substr(weightsFile.find_last_of('/') + 1);
  return index;
}

// Writes all sections and the weights; the caller gives the files their names.
Expected<void> writeContents(OutputFile &file, OutputFile *weightsFile, const ArtifactContents &contents,
                             WeightIndex &index, const ArtifactWriterOptions &options) {
  bool embed = options.placement == WeightPlacement::Embed;
  SectionWriter sections(file, 3 + contents.code.size() + !contents.checks.empty() + embed);
  if (Expected<void> result = sections.append(SectionKind::Program, 0, packProgram(contents.program)); !result)
    return result;
  for (uint32_t i = 0; i < contents.code.size(); ++i)
    if (Expected<void> result = sections.append(SectionKind::Code, i, contents.code[i]); !result)
      return result;
  if (Expected<void> result = sections.append(SectionKind::Tokenizer, 0, contents.tokenizer); !result)
    return result;
  if (!contents.checks.empty())
    if (Expected<void> result = sections.append(SectionKind::Checks, 0, contents.checks); !result)
      return result;
  size_t indexSection = sections.append(SectionKind::WeightIndex, 0, uint64_t(encodeWeightIndex(index).size()));
  if (options.placement != WeightPlacement::None) {
    uint64_t offset = embed ? sections.offsetOf(sections.append(SectionKind::Weights, 0, index.bytes)) : 0;
    Expected<std::vector<WeightChunk>> chunks =
        writeWeights(embed ? file : *weightsFile, offset, contents.program, contents.packWeight, options);
    if (!chunks)
      return passError(std::move(chunks));
    index.chunks = std::move(*chunks);
  }
  if (Expected<void> result = sections.write(indexSection, encodeWeightIndex(index)); !result)
    return result;
  return sections.finish();
}

} // namespace

Expected<void> writeArtifact(const std::string &path, ArtifactContents &&contents,
                             const ArtifactWriterOptions &options) {
  if (options.placement == WeightPlacement::File && weightsPath(path) == path)
    return makeError("{}: is also the name of the file for the weights; give the artifact another one", path);
  Expected<WeightIndex> index = startIndex(contents.program, options.placement, weightsPath(path));
  if (!index)
    return passError(std::move(index));
  Expected<OutputFile> file = OutputFile::create(path);
  if (!file)
    return passError(std::move(file));
  if (options.placement != WeightPlacement::File) {
    if (Expected<void> result = writeContents(*file, nullptr, contents, *index, options); !result)
      return result;
    return file->commit();
  }
  Expected<OutputFile> weightsFile = OutputFile::create(weightsPath(path));
  if (!weightsFile)
    return passError(std::move(weightsFile));
  if (Expected<void> result = writeContents(*file, &*weightsFile, contents, *index, options); !result)
    return result;
  if (Expected<void> result = weightsFile->commit(); !result)
    return result;
  return file->commit();
}

} // namespace quipu
