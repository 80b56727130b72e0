// The artifact loader against any bytes, digests not checked: whoever can write a file can write its digests too.
// The first byte of an input says what the rest is: 'f' a whole file, whose header is given the right size; 'p' a
// program section, in an otherwise good artifact; 'b' a code section of a GPU target.
#include "runtime/Artifact/Artifact.h"
#include "runtime/Artifact/CodeBundle.h"
#include "runtime/Artifact/MemoryPlan.h"
#include "runtime/Text/Tokenizer.h"

#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

using namespace quipu;

namespace {

std::string fileAround(std::string_view program) {
  WeightIndex index;
  index.placement = WeightPlacement::None;
  index.bytes = 368; // as the toy model's, from which the seeds are
  const std::pair<SectionKind, std::string> sections[] = {{SectionKind::Program, std::string(program)},
                                                          {SectionKind::Code, "code"},
                                                          {SectionKind::Tokenizer, ""},
                                                          {SectionKind::WeightIndex, encodeWeightIndex(index)}};
  ArtifactHeader header = {};
  header.magic = artifactMagic;
  header.version = artifactVersion;
  header.sectionCount = std::size(sections);
  std::vector<SectionEntry> table;
  std::string bytes(sizeof(header) + std::size(sections) * sizeof(SectionEntry), '\0');
  for (const auto &[kind, content] : sections) {
    bytes.resize(alignSection(kind, bytes.size()));
    table.push_back({kind, 0, bytes.size(), content.size(), {}});
    bytes += content;
  }
  header.fileSize = bytes.size();
  std::memcpy(bytes.data(), &header, sizeof(header));
  std::memcpy(bytes.data() + sizeof(header), table.data(), table.size() * sizeof(SectionEntry));
  return bytes;
}

void load(const std::string &path) {
  ArtifactOpenOptions options;
  options.checkDigests = false;
  Expected<Artifact> artifact = Artifact::open(path, options);
  if (!artifact)
    return;
  MemoryOptions memory;
  memory.maxSequences = 3;
  memory.workers = 2;
  for (uint32_t target = 0; target < artifact->program().targets()->size(); ++target)
    (void)planMemory(*artifact, target, memory);
  if (!artifact->tokenizer().empty())
    (void)Tokenizer::deserialize(artifact->tokenizer());
  Expected<WeightReader> reader = WeightReader::open(*artifact);
  for (size_t chunk = 0; reader && chunk < reader->chunkCount(); ++chunk) {
    std::vector<std::byte> bytes(reader->chunkBytes(chunk)); // embedded, so no larger than the input
    (void)reader->read(chunk, bytes.data());
  }
}

// Every image that is found lies in the section.
void readBundle(std::string_view section) {
  Expected<CodeBundle> bundle = CodeBundle::read(section);
  uint64_t sum = 0;
  for (size_t i = 0; bundle && i < bundle->kernels().size(); ++i)
    for (ImageKind kind : {ImageKind::Native, ImageKind::Portable})
      for (char byte : bundle->find(bundle->kernels()[i].symbol, kind).substr(0, 64))
        sum += static_cast<unsigned char>(byte);
  static volatile uint64_t kept;
  kept = sum;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  std::string_view rest(reinterpret_cast<const char *>(data) + 1, size - 1);
  if (data[0] == 'b') {
    readBundle(rest);
    return 0;
  }
  std::string file = data[0] == 'p' ? fileAround(rest) : std::string(rest);
  if (uint64_t length = file.size(); length >= sizeof(ArtifactHeader))
    std::memcpy(file.data() + offsetof(ArtifactHeader, fileSize), &length, sizeof(length));
  int descriptor = ::memfd_create("artifact", MFD_CLOEXEC);
  if (::write(descriptor, file.data(), file.size()) == static_cast<ssize_t>(file.size()))
    load("/proc/self/fd/" + std::to_string(descriptor));
  ::close(descriptor);
  return 0;
}
