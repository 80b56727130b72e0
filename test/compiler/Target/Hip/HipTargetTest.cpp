// Whatever becomes of hiprtc, a target compiles where clang is there.
#include "compiler/Target/Hip/HipTarget.h"
#include "compiler/Target/Hip/AmdClang.h"
#include "test/compiler/Target/Environment.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <unistd.h>

namespace quipu {
namespace {

namespace fs = std::filesystem;

class HipTarget : public testing::Test {
protected:
  HipTarget() : folder(fs::temp_directory_path() / ("hip-target-test-" + std::to_string(getpid()))) {
    fs::remove_all(folder);
    fs::create_directories(folder);
  }
  ~HipTarget() override { fs::remove_all(folder); }

  void SetUp() override {
    if (auto clang = hip::AmdClang::find("gfx90a"); !clang)
      GTEST_SKIP() << clang.error().message;
  }

  // Compiles a kernel with an empty cache; how often the fake library was asked to.
  int compile(const std::string &chip) {
    Setting cache("QUIPU_CACHE_DIR", (folder / "cache").string()), log("FAKE_HIPRTC_LOG", (folder / "log").string());
    auto target = findHipTarget(chip);
    EXPECT_TRUE(target) << target.error().message;
    KernelSpec norm{
        "norm", "rms_norm", {{"n", int64_t(64)}, {"gains", int64_t(64)}, {"eps", 1e-5}, {"rows_dim", int64_t(0)}}};
    auto code = (*target)->compile({norm}, {});
    EXPECT_TRUE(code) << code.error().message;
    if (code) {
      EXPECT_EQ(code->compiled, 1u);
      EXPECT_TRUE(code->kernels[0].resources.known);
      EXPECT_NE(code->section.find("\x7f"
                                   "ELF"),
                std::string::npos);
    }
    std::ifstream asked(folder / "log");
    return int(std::count(std::istreambuf_iterator<char>(asked), {}, '\n'));
  }

  fs::path folder;
};

TEST_F(HipTarget, clang_compiles_where_there_is_no_hiprtc) {
  for (const char *library : {"none", "/nowhere/libhiprtc.so.6", "libm.so.6"}) {
    SCOPED_TRACE(library);
    Setting setting("QUIPU_HIPRTC", library);
    fs::remove_all(folder / "cache");
    EXPECT_EQ(compile("gfx90a"), 0);
  }
}

TEST_F(HipTarget, clang_compiles_where_hiprtc_ends_its_process_when_it_is_opened) {
  Setting setting("QUIPU_HIPRTC", FAKE_HIPRTC);
  unsetenv("FAKE_HIPRTC_RELEASE");
  EXPECT_EQ(compile("gfx90a"), 0);
}

TEST_F(HipTarget, clang_compiles_what_hiprtc_ends_its_process_at) {
  Setting setting("QUIPU_HIPRTC", FAKE_HIPRTC), release("FAKE_HIPRTC_RELEASE", "600");
  EXPECT_EQ(compile("gfx90a"), 1);
}

TEST_F(HipTarget, hiprtc_is_not_asked_for_a_chip_that_its_release_does_not_know) {
  Setting setting("QUIPU_HIPRTC", FAKE_HIPRTC), release("FAKE_HIPRTC_RELEASE", "600");
  EXPECT_EQ(compile("gfx950"), 0);
}

TEST_F(HipTarget, hiprtc_is_not_asked_where_its_release_is_older_than_clang) {
  Setting setting("QUIPU_HIPRTC", FAKE_HIPRTC), release("FAKE_HIPRTC_RELEASE", "502");
  EXPECT_EQ(compile("gfx90a"), 0);
}

} // namespace
} // namespace quipu
