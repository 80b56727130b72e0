#include "runtime/Artifact/Artifact.h"

#include "runtime/Artifact/ProgramChecks.h"

#include <algorithm>
#include <cstring>

namespace quipu {

namespace {

// More code sections than anyone compiles for.
constexpr uint32_t maxSections = 1024;
// Of all sections that are held in memory; FlatBuffers ends at 2 GiB. A file of holes can claim any size.
constexpr uint64_t maxHeldBytes = uint64_t(1) << 30;

template <typename... Args>
tl::unexpected<Error> damaged(const std::string &path, fmt::format_string<Args...> format, Args &&...args) {
  return makeError("{}: is damaged: {}; copy or compile it again", path,
                   fmt::format(format, std::forward<Args>(args)...));
}

} // namespace

Expected<Artifact> Artifact::open(const std::string &path, const ArtifactOpenOptions &options) {
  Expected<InputFile> file = InputFile::open(path);
  if (!file)
    return passError(std::move(file));
  Artifact artifact;
  artifact.file = std::move(*file);
  artifact.options = options;
  if (Expected<void> result = artifact.readTable(); !result)
    return passError(std::move(result));
  if (Expected<void> result = artifact.checkPlaces(); !result)
    return passError(std::move(result));
  if (Expected<void> result = artifact.readSections(); !result)
    return passError(std::move(result));
  return artifact;
}

Expected<void> Artifact::readTable() {
  ArtifactHeader header;
  if (file.size() < sizeof(header))
    return makeError("{}: is not a Quipu artifact: it has only {} bytes", path(), file.size());
  if (Expected<void> result = file.readAt(0, &header, sizeof(header)); !result)
    return result;
  if (header.magic != artifactMagic)
    return makeError("{}: is not a Quipu artifact", path());
  if (header.version != artifactVersion)
    return makeError("{}: has artifact version {}, but this program reads version {}; compile the model again", path(),
                     header.version, artifactVersion);
  if (header.fileSize != file.size())
    return damaged(path(), "it has {} bytes, but its header says {}", file.size(), header.fileSize);
  if (header.sectionCount > maxSections ||
      header.sectionCount * sizeof(SectionEntry) > file.size() - sizeof(ArtifactHeader))
    return damaged(path(), "its header says {} sections", header.sectionCount);

  std::string bytes(sizeof(header) + header.sectionCount * sizeof(SectionEntry), '\0');
  if (Expected<void> result = file.readAt(0, bytes.data(), bytes.size()); !result)
    return result;
  Digest stored = header.digest;
  header.digest = {};
  std::memcpy(bytes.data(), &header, sizeof(header));
  if (options.checkDigests && digestOf(bytes.data(), bytes.size()) != stored)
    return damaged(path(), "the header does not match its digest");
  table.resize(header.sectionCount);
  if (!table.empty())
    std::memcpy(table.data(), bytes.data() + sizeof(header), bytes.size() - sizeof(header));
  return {};
}

// Sections follow each other with nothing but alignment between them, so they cannot overlap.
Expected<void> Artifact::checkPlaces() const {
  uint64_t end = sizeof(ArtifactHeader) + table.size() * sizeof(SectionEntry);
  for (const SectionEntry &section : table) {
    std::string_view kind = sectionName(section.kind);
    if (kind.empty())
      return damaged(path(), "it has a section of unknown kind {}", static_cast<uint32_t>(section.kind));
    if (section.offset != alignSection(section.kind, end) || section.offset > file.size() ||
        section.size > file.size() - section.offset)
      return damaged(path(), "the {} section is not where it belongs", kind);
    std::vector<char> padding(section.offset - end);
    if (Expected<void> result = file.readAt(end, padding.data(), padding.size()); !result)
      return result;
    if (std::any_of(padding.begin(), padding.end(), [](char byte) { return byte != 0; }))
      return damaged(path(), "the bytes before the {} section are not zero", kind);
    end = section.offset + section.size;
  }
  if (end != file.size())
    return damaged(path(), "it has {} bytes after its last section", file.size() - end);
  return {};
}

Expected<void> Artifact::readSections() {
  size_t programs = 0, tokenizers = 0, indexes = 0, weightSections = 0, indexSection = 0, checks = 0;
  uint64_t held = 0;
  sectionBytes.resize(table.size());
  for (size_t i = 0; i < table.size(); ++i) {
    const SectionEntry &section = table[i];
    if (section.index != (section.kind == SectionKind::Code ? codeSections.size() : 0))
      return damaged(path(), "the {} section has number {}", sectionName(section.kind), section.index);
    if (section.kind == SectionKind::Weights) {
      weightsOffset = section.offset;
      ++weightSections;
      continue;
    }
    held += std::min(section.size, maxHeldBytes + 1);
    if (held > maxHeldBytes)
      return damaged(path(), "the {} section has {} bytes", sectionName(section.kind), section.size);
    sectionBytes[i].resize(section.size);
    if (Expected<void> result = file.readAt(section.offset, sectionBytes[i].data(), section.size); !result)
      return result;
    if (options.checkDigests && digestOf(sectionBytes[i].data(), section.size) != section.digest)
      return damaged(path(), "the {} section does not match its digest", sectionName(section.kind));
    if (section.kind == SectionKind::Program)
      programSection = i, ++programs;
    else if (section.kind == SectionKind::Tokenizer)
      tokenizerSection = i, ++tokenizers;
    else if (section.kind == SectionKind::WeightIndex)
      indexSection = i, ++indexes;
    else if (section.kind == SectionKind::Checks)
      checksSection = i, ++checks;
    else
      codeSections.push_back(i);
  }
  if (!checks) { // no section: an empty one
    checksSection = sectionBytes.size();
    sectionBytes.emplace_back();
  }
  if (programs != 1 || tokenizers != 1 || indexes != 1 || weightSections > 1 || checks > 1)
    return damaged(path(), "it does not have one program, one tokenizer and one weight index");

  Expected<WeightIndex> index = decodeWeightIndex(sectionBytes[indexSection]);
  if (!index)
    return damaged(path(), "{}", index.error().message);
  weights = std::move(*index);
  bool embedded = weights.placement == WeightPlacement::Embed;
  if (embedded != (weightSections == 1) || (embedded && table.back().kind != SectionKind::Weights) ||
      (embedded && table.back().size != weights.bytes))
    return damaged(path(), "its weights section is not what its weight index says");

  const std::string &bytes = sectionBytes[programSection];
  flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
  if (!fb::VerifyProgramBuffer(verifier))
    return damaged(path(), "its program is not well formed");
  if (Expected<void> result = checkProgram(program(), codeCount(), weights.bytes); !result)
    return damaged(path(), "{}", result.error().message);
  return {};
}

Expected<WeightReader> WeightReader::open(const Artifact &artifact) {
  const WeightIndex &index = artifact.weights;
  WeightReader reader;
  reader.artifact = &artifact;
  if (index.placement == WeightPlacement::None)
    return makeError("{}: holds no weights (--weights none); compile it with --weights embed or --weights file; "
                     "only `quipu bench --random-weights` needs none",
                     artifact.path());
  if (index.placement == WeightPlacement::File) {
    std::string path = artifact.path().substr(0, artifact.path().find_last_of('/') + 1) + index.fileName;
    Expected<InputFile> file = InputFile::open(path);
    if (!file)
      return makeError("{}; it holds the weights of {} and belongs beside it", file.error().message, artifact.path());
    if (file->size() != index.bytes)
      return makeError("{}: has {} bytes, but the weights of {} have {}; copy or compile both again", path,
                       file->size(), artifact.path(), index.bytes);
    reader.beside = std::move(*file);
  }
  uint64_t offset = 0;
  for (const WeightChunk &chunk : index.chunks) {
    reader.offsets.push_back(offset);
    offset += chunk.bytes;
  }
  return reader;
}

const InputFile &WeightReader::from() const {
  return artifact->weights.placement == WeightPlacement::Embed ? artifact->file : beside;
}

uint64_t WeightReader::fileOffset(size_t chunk) const {
  return offsets[chunk] + (artifact->weights.placement == WeightPlacement::Embed ? artifact->weightsOffset : 0);
}

Expected<void> WeightReader::read(size_t chunk, std::byte *to) const {
  if (Expected<void> result = from().readAt(fileOffset(chunk), to, chunkBytes(chunk)); !result)
    return result;
  return check(chunk, to);
}

Expected<void> WeightReader::map(std::byte *to) const {
  if (offsets.empty())
    return {};
  return from().mapAt(fileOffset(0), to, artifact->weights.bytes);
}

Expected<void> WeightReader::check(size_t chunk, const std::byte *bytes) const {
  if (artifact->options.checkDigests && digestOf(bytes, chunkBytes(chunk)) != artifact->weights.chunks[chunk].digest)
    return damaged(from().path(), "weights at byte {} do not match their digest", fileOffset(chunk));
  return {};
}

} // namespace quipu
