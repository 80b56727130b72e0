#include "compiler/Target/Clang/Clang.h"
#include "test/compiler/Target/Environment.h"

#include <filesystem>
#include <gtest/gtest.h>

namespace quipu {
namespace {

namespace fs = std::filesystem;

class EmptyFolder {
public:
  EmptyFolder() : path(fs::temp_directory_path() / ("clang-test-" + std::to_string(getpid()))) {
    fs::create_directory(path);
  }
  ~EmptyFolder() { fs::remove_all(path); }
  const fs::path path;
};

class ClangTest : public testing::Test {
protected:
  void SetUp() override {
    Expected<Clang> found = Clang::find();
    if (!found)
      GTEST_SKIP() << found.error().message;
    clang = std::move(*found);
  }
  Clang clang;
};

TEST_F(ClangTest, gives_what_it_wrote) {
  auto assembly = clang.compile("a test", "c", "int seven(void) { return 7; }", {"-S", "-O1"});
  ASSERT_TRUE(assembly) << assembly.error().message;
  EXPECT_NE(assembly->find("seven:"), std::string::npos) << *assembly;
}

TEST_F(ClangTest, says_its_version) {
  EXPECT_GE(clang.major(), Clang::oldestMajor);
  EXPECT_NE(clang.version().find(std::to_string(clang.major())), std::string::npos);
}

TEST_F(ClangTest, an_error_names_the_source_and_is_one_line) {
  auto code = clang.compile("kernel @k", "c", "int x = ;\nint y = undeclared;\n", {"-S"});
  ASSERT_FALSE(code);
  const std::string &message = code.error().message;
  EXPECT_EQ(message.find("kernel @k: "), 0u) << message;
  EXPECT_NE(message.find("expected expression"), std::string::npos) << message;
  EXPECT_NE(message.find("undeclared"), std::string::npos) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
}

TEST_F(ClangTest, equal_sources_give_equal_bytes) {
  auto first = clang.compile("a test", "c", "int x;", {"-c"}), second = clang.compile("a test", "c", "int x;", {"-c"});
  ASSERT_TRUE(first && second);
  EXPECT_EQ(*first, *second);
}

TEST_F(ClangTest, leaves_no_files_behind) {
  EmptyFolder folder;
  Setting setting("TMPDIR", folder.path);
  ASSERT_TRUE(clang.compile("a test", "c", "int x;", {"-c"}));
  ASSERT_FALSE(clang.compile("a test", "c", "int x", {"-c"}));
  EXPECT_TRUE(fs::is_empty(folder.path));
}

TEST_F(ClangTest, no_room_for_temporary_files_is_an_error) {
  Setting setting("TMPDIR", "/proc");
  auto code = clang.compile("a test", "c", "int x;", {"-c"});
  ASSERT_FALSE(code);
  EXPECT_NE(code.error().message.find("TMPDIR"), std::string::npos) << code.error().message;
}

TEST(FindClang, what_is_asked_for_must_be_there) {
  Setting setting("QUIPU_CLANG", "/nowhere/clang");
  Expected<Clang> found = Clang::find();
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().message.find("/nowhere/clang"), std::string::npos);
}

TEST(FindClang, a_program_that_is_no_clang_is_refused) {
  Setting setting("QUIPU_CLANG", "true");
  Expected<Clang> found = Clang::find();
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().message.find("clang version"), std::string::npos) << found.error().message;
}

TEST(FindClang, an_empty_path_is_an_error_that_says_what_to_install) {
  Setting asked("QUIPU_CLANG", "");
  Setting path("PATH", "/nowhere");
  Expected<Clang> found = Clang::find();
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().message.find("clang-22"), std::string::npos) << found.error().message;
}

} // namespace
} // namespace quipu
