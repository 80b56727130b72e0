// Writes the seeds of ArtifactFuzzer: the toy artifact without its code, and its program alone, and a code section of
// a GPU target.
#include "runtime/Artifact/Artifact.h"
#include "runtime/Artifact/CodeBundle.h"
#include "test/runtime/Artifact/ToyModel.h"

using namespace quipu;

int main() {
  toy::TemporaryFolder folder;
  std::string path = folder.file("toy.qpu"), seeds = "test/runtime/Artifact/corpus/";
  ArtifactContents contents = toy::contents();
  contents.code[0] = "code";
  Expected<void> written = writeArtifact(path, std::move(contents));
  Expected<Artifact> artifact = Artifact::open(path);
  if (!written || !artifact) {
    fmt::print(stderr, "{}\n", written ? artifact.error().message : written.error().message);
    return 1;
  }
  const SectionEntry &program = artifact->sections()[0];
  std::string bytes = toy::readFile(path);
  toy::writeFile(seeds + "file", "f" + bytes);
  toy::writeFile(seeds + "program", "p" + bytes.substr(program.offset, program.size));
  toy::writeFile(seeds + "bundle",
                 "b" +
                     writeCodeBundle({{"norm", "image", ""}, {"sample", "other image", "text"}, {"add", "image", ""}}));
  return 0;
}
