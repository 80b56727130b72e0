#include "runtime/Device/Cpu/ThreadPool.h"
#include "runtime/Device/Cpu/Topology.h"

#include <chrono>
#include <ctime>
#include <gtest/gtest.h>
#include <sys/resource.h>

using namespace quipu::cpu;

namespace {

// Every worker writes, all meet, every worker reads what the others wrote: more workers than CPUs among them.
TEST(ThreadPoolTest, a_barrier_shows_each_worker_what_the_others_wrote) {
  for (uint32_t workers : {1u, 2u, 3u, 7u, 4 * availableCpus()}) {
    std::unique_ptr<ThreadPool> started = ThreadPool::start(workers).value();
    ThreadPool &pool = *started;
    std::vector<int> values(workers);
    std::vector<int> wrong(workers);
    for (int job = 0; job < 20; ++job)
      pool.run([&](uint32_t worker) {
        for (int round = 0; round < 20; ++round) {
          values[worker] = job * 100 + round;
          pool.barrier();
          for (int value : values)
            wrong[worker] += value != job * 100 + round;
          pool.barrier();
        }
      });
    EXPECT_EQ(wrong, std::vector<int>(workers)) << workers << " workers";
  }
}

TEST(ThreadPoolTest, workers_sleep_between_jobs) {
  std::unique_ptr<ThreadPool> pool = ThreadPool::start(4).value();
  pool->run([](uint32_t) {});
  std::this_thread::sleep_for(std::chrono::milliseconds(50)); // past the spinning
  timespec before, after;
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
  double used =
      static_cast<double>(after.tv_sec - before.tv_sec) + 1e-9 * static_cast<double>(after.tv_nsec - before.tv_nsec);
  EXPECT_LT(used, 0.05);
}

TEST(ThreadPoolTest, threads_that_the_system_does_not_grant_are_an_error) {
#if __has_feature(address_sanitizer)
  GTEST_SKIP() << "AddressSanitizer ends the process when its own memory does not fit the limit";
#endif
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &before), 0);
  rlimit small = {uint64_t(1) << 30, before.rlim_max}; // stacks of 8 MiB each do not fit
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &small), 0);
  quipu::Expected<std::unique_ptr<ThreadPool>> pool = ThreadPool::start(1000);
  ::setrlimit(RLIMIT_AS, &before);
  ASSERT_FALSE(pool);
  EXPECT_EQ(pool.error().message.rfind("1000 threads cannot be started: ", 0), 0u) << pool.error().message;
}

TEST(ThreadPoolTest, there_is_a_core_to_run_on) {
  EXPECT_GE(availableCores(), 1u);
  EXPECT_LE(availableCores(), availableCpus());
}

} // namespace
