#include "compiler/Target/CompileCache.h"
#include "compiler/Target/CompileJobs.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <numeric>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace quipu {
namespace {

namespace fs = std::filesystem;

class CompileCacheTest : public testing::Test {
protected:
  CompileCacheTest()
      : folder(fs::temp_directory_path() / ("compile-cache-test-" + std::to_string(getpid()))), cache(folder.string()) {
    fs::remove_all(folder);
  }
  ~CompileCacheTest() override { fs::remove_all(folder); }

  fs::path onlyEntry() const {
    for (const auto &entry : fs::recursive_directory_iterator(folder))
      if (entry.is_regular_file())
        return entry.path();
    return {};
  }

  fs::path folder;
  CompileCache cache;
  std::string key = CompileCache::key("a kernel");
};

TEST_F(CompileCacheTest, gives_back_what_was_put) {
  std::string bytes("\0code\xff", 6);
  EXPECT_FALSE(cache.find(key));
  cache.put(key, bytes);
  EXPECT_EQ(cache.find(key), bytes);
  EXPECT_FALSE(cache.find(CompileCache::key("another kernel")));
}

TEST_F(CompileCacheTest, a_damaged_entry_is_not_found) {
  cache.put(key, "code of some length");
  std::fstream file(onlyEntry(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(-1, std::ios::end);
  file.put('!');
  file.close();
  EXPECT_FALSE(cache.find(key));
}

TEST_F(CompileCacheTest, an_entry_cut_short_is_not_found) {
  cache.put(key, "code of some length");
  for (uintmax_t size : {uintmax_t(30), uintmax_t(3), uintmax_t(0)}) {
    fs::resize_file(onlyEntry(), size);
    EXPECT_FALSE(cache.find(key)) << size;
  }
}

TEST_F(CompileCacheTest, sections_do_not_see_each_other) {
  CompileCache other(folder.string(), "other");
  cache.put(key, "code");
  EXPECT_FALSE(other.find(key));
  other.put(key, "finding");
  EXPECT_EQ(cache.find(key), "code");
  EXPECT_EQ(other.find(key), "finding");
}

TEST_F(CompileCacheTest, the_newest_entries_stay) {
  CompileCache other(folder.string(), "other");
  other.put(key, "of the other section");
  std::vector<std::string> keys;
  for (int i = 0; i < 5; ++i) {
    keys.push_back(CompileCache::key("kernel " + std::to_string(i)));
    cache.put(keys.back(), "code");
    fs::last_write_time(folder / "kernels" / keys.back().substr(0, 2) / keys.back(),
                        fs::file_time_type::clock::now() + std::chrono::seconds(i - 100));
  }
  cache.keepNewest(5);
  EXPECT_TRUE(cache.find(keys[0]));
  cache.keepNewest(2);
  for (size_t i = 0; i < keys.size(); ++i)
    EXPECT_EQ(cache.find(keys[i]).has_value(), i >= 3) << i;
  EXPECT_TRUE(other.find(key));
}

TEST(CompileCache, without_a_folder_nothing_is_kept) {
  CompileCache cache("");
  cache.put(CompileCache::key("k"), "code");
  EXPECT_FALSE(cache.find(CompileCache::key("k")));
  cache.keepNewest(0);
}

TEST(CompileCache, a_folder_that_cannot_be_written_is_no_error) {
  CompileCache cache("/proc/nowhere");
  cache.put(CompileCache::key("k"), "code");
  EXPECT_FALSE(cache.find(CompileCache::key("k")));
}

TEST(CompileJobs, each_job_runs_once_and_progress_counts_them) {
  std::vector<int> runs(20);
  std::vector<size_t> seen;
  auto done = runCompileJobs(
      runs.size(), [&] { return [&](size_t job) -> Expected<> { return ++runs[job], Expected<>(); }; }, 3,
      [&](size_t count, size_t all) {
        EXPECT_EQ(all, 25u);
        seen.push_back(count);
      },
      5);
  EXPECT_TRUE(done);
  EXPECT_EQ(runs, std::vector<int>(20, 1));
  std::vector<size_t> expected(20);
  std::iota(expected.begin(), expected.end(), size_t(6));
  EXPECT_EQ(seen, expected);
}

TEST(CompileJobs, threads_that_the_system_does_not_grant_are_done_without) {
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &before), 0);
  rlimit small = {uint64_t(1) << 30, before.rlim_max}; // stacks of 8 MiB each do not fit
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &small), 0);
  std::atomic<size_t> ran{0};
  auto makeWorker = [&] {
    return [&](size_t) -> Expected<> {
      ++ran;
      std::this_thread::sleep_for(std::chrono::milliseconds(20)); // no thread ends before the last has started
      return {};
    };
  };
  auto done = runCompileJobs(300, makeWorker, 300, nullptr, 0);
  ::setrlimit(RLIMIT_AS, &before);
  EXPECT_TRUE(done);
  EXPECT_EQ(ran, 300u);
}

TEST(CompileJobs, the_error_is_that_of_the_first_job) {
  auto done = runCompileJobs(
      8,
      [] {
        return [](size_t job) -> Expected<> {
          if (job >= 3)
            return makeError("job {}", job);
          return {};
        };
      },
      4, nullptr, 0);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "job 3");
}

} // namespace
} // namespace quipu
