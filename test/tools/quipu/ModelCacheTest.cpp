#include "tools/quipu/ModelCache.h"

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

using quipu::tool::ModelCache;
namespace fs = std::filesystem;

namespace {

class ModelCacheTest : public testing::Test {
protected:
  void SetUp() override {
    folder = fs::path(testing::TempDir()) / ("quipu-models-" + std::to_string(::getpid()));
    fs::create_directories(folder);
  }
  void TearDown() override { fs::remove_all(folder); }

  // An artifact last used some minutes ago.
  fs::path add(const std::string &name, size_t bytes, int minutes) {
    std::ofstream(folder / name) << std::string(bytes, 'x');
    fs::last_write_time(folder / name, fs::file_time_type::clock::now() - std::chrono::minutes(minutes));
    return folder / name;
  }

  fs::path folder;
};

TEST_F(ModelCacheTest, those_used_longest_ago_go_first) {
  fs::path oldest = add("a.qpu", 100, 30), older = add("b.qpu", 100, 20), newest = add("c.qpu", 100, 10);
  ModelCache cache(folder, 250);
  EXPECT_TRUE(cache.use(oldest));
  cache.evict(newest);
  EXPECT_TRUE(fs::exists(oldest));
  EXPECT_FALSE(fs::exists(older));
  EXPECT_TRUE(fs::exists(newest));
}

TEST_F(ModelCacheTest, the_one_in_use_stays_though_it_is_larger_than_the_limit) {
  fs::path large = add("a.qpu", 1000, 30), small = add("b.qpu", 10, 20), other = add("notes.txt", 1000, 90);
  ModelCache(folder, 500).evict(large);
  EXPECT_TRUE(fs::exists(large));
  EXPECT_FALSE(fs::exists(small));
  EXPECT_TRUE(fs::exists(other));
}

TEST_F(ModelCacheTest, what_another_program_is_about_to_open_stays) {
  fs::path opened = add("a.qpu", 100, 0), old = add("b.qpu", 100, 5), made = add("c.qpu", 100, 0);
  ModelCache(folder, 0).evict(made);
  EXPECT_TRUE(fs::exists(opened));
  EXPECT_FALSE(fs::exists(old));
}

TEST_F(ModelCacheTest, within_the_limit_nothing_goes) {
  fs::path a = add("a.qpu", 100, 30), b = add("b.qpu", 100, 20);
  ModelCache(folder, 200).evict(b);
  EXPECT_TRUE(fs::exists(a));
  EXPECT_FALSE(ModelCache(folder, 200).use(folder / "absent.qpu"));
}

TEST_F(ModelCacheTest, a_limit_that_is_no_number_is_an_error) {
  for (const char *value : {"much", "-1", "3 GB", "nan"}) {
    ::setenv("QUIPU_MODEL_CACHE_GIB", value, 1);
    auto opened = ModelCache::open();
    ASSERT_FALSE(opened) << value;
    EXPECT_EQ(opened.error().message, std::string("QUIPU_MODEL_CACHE_GIB=") + value + ": not a number of GiB");
  }
  ::setenv("QUIPU_MODEL_CACHE_GIB", "0.5", 1);
  EXPECT_TRUE(ModelCache::open());
  ::unsetenv("QUIPU_MODEL_CACHE_GIB");
}

TEST_F(ModelCacheTest, without_a_home_there_is_no_folder) {
  ::unsetenv("QUIPU_CACHE_DIR");
  ::unsetenv("XDG_CACHE_HOME");
  ::unsetenv("HOME");
  auto opened = ModelCache::open();
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("set QUIPU_CACHE_DIR"), std::string::npos) << opened.error().message;
}

} // namespace
