// The command with a compiler that is not of its build beside it.
#include "test/runtime/Artifact/ToyModel.h"

#include <cstdio>
#include <filesystem>
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

using namespace quipu;
namespace fs = std::filesystem;

namespace {

class CompilerLibraryTest : public testing::Test {
protected:
  // Installs the command with a library in the compiler's place.
  void install(const char *library) {
    for (const char *part : {"bin", "lib", "model"})
      fs::create_directory(folder.file(part));
    fs::copy_file(QUIPU_PROGRAM, folder.file("bin/quipu"));
    fs::copy_file(library, folder.file("lib/libquipu_compiler.so"));
  }
  // Status and output of a compile.
  std::pair<int, std::string> compile() {
    std::string line = fmt::format("{0}/bin/quipu compile {0}/model -o {0}/out.qpu 2>&1", folder.path);
    FILE *pipe = ::popen(line.c_str(), "r");
    std::string output;
    for (int c; pipe && (c = std::fgetc(pipe)) != EOF;)
      output += static_cast<char>(c);
    return {pipe ? WEXITSTATUS(::pclose(pipe)) : -1, output};
  }
  std::string refusal(const std::string &interface) {
    return fmt::format("quipu: error: {}: is the compiler of another quipu (its interface is {}, this program's ",
                       folder.file("lib/libquipu_compiler.so"), interface);
  }

  toy::TemporaryFolder folder;
};

TEST_F(CompilerLibraryTest, the_compiler_of_another_build_is_refused_before_it_is_asked_anything) {
  install(QUIPU_OTHER_COMPILER);
  auto [status, output] = compile();
  EXPECT_EQ(status, 1);
  EXPECT_EQ(output.rfind(refusal("0.0.9-abcdef"), 0), 0u) << output;
  EXPECT_EQ(output.find('\n'), output.size() - 1) << output;
}

TEST_F(CompilerLibraryTest, a_library_that_is_no_compiler_is_refused) {
  install(QUIPU_LIBRARY);
  auto [status, output] = compile();
  EXPECT_EQ(status, 1);
  EXPECT_EQ(output.rfind(refusal("none"), 0), 0u) << output;
}

} // namespace
