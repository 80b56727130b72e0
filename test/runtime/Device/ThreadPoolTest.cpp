#include "runtime/Device/Cpu/ThreadPool.h"
#include "runtime/Device/Cpu/Topology.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <ctime>
#include <gtest/gtest.h>
#include <numeric>
#include <pthread.h>
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

// A stage reads what all shares of the one before wrote, whoever did which. Small stages between the others.
TEST(ThreadPoolTest, each_share_of_a_stage_is_done_once_and_after_the_stage_before) {
  for (uint32_t workers : {1u, 2u, 3u, 7u, 4 * availableCpus()}) {
    std::unique_ptr<ThreadPool> pool = ThreadPool::start(workers).value();
    constexpr uint32_t stages = 50;
    for (int job = 0; job < 20; ++job) {
      std::vector<uint32_t> done(workers);
      std::atomic<int> wrong = 0;
      StagedWork work;
      work.stages = stages;
      work.isSmall = [&](uint32_t stage) { return (stage + job) % 3 == 0; };
      work.run = [&](const Share &share) {
        if (share.worker >= workers || share.index >= workers || done[share.index]++ != share.stage)
          ++wrong;
      };
      pool->run(work);
      EXPECT_EQ(wrong, 0) << workers << " workers";
      EXPECT_EQ(done, std::vector<uint32_t>(workers, stages));
    }
  }
}

TEST(ThreadPoolTest, results_of_a_stage_are_seen_by_every_share_of_the_next) {
  for (uint32_t workers : {2u, 5u, 3 * availableCpus()}) {
    std::unique_ptr<ThreadPool> pool = ThreadPool::start(workers).value();
    std::vector<uint64_t> sums[2] = {std::vector<uint64_t>(workers, 1), std::vector<uint64_t>(workers)};
    StagedWork work;
    work.stages = 200;
    work.isSmall = [](uint32_t stage) { return stage % 7 == 0; };
    work.run = [&](const Share &share) {
      const std::vector<uint64_t> &from = sums[share.stage % 2];
      sums[1 - share.stage % 2][share.index] = std::accumulate(from.begin(), from.end(), uint64_t(0)) % 1000003;
    };
    pool->run(work);
    uint64_t expected = 1;
    for (uint32_t stage = 0; stage < work.stages; ++stage)
      expected = expected * workers % 1000003;
    EXPECT_EQ(sums[0], std::vector<uint64_t>(workers, expected)) << workers << " workers";
  }
}

std::atomic<bool> held, mayGo;

// A signal handler keeps the other worker where it is, as a scheduler does that gives its CPU to somebody else.
TEST(ThreadPoolTest, a_worker_that_is_not_within_a_share_holds_up_nobody) {
  std::unique_ptr<ThreadPool> pool = ThreadPool::start(2).value();
  pthread_t caller = ::pthread_self();
  std::atomic<pthread_t> other = caller;
  pool->run([&](uint32_t) {
    if (!::pthread_equal(::pthread_self(), caller))
      other = ::pthread_self();
    pool->barrier(); // both threads are here
  });
  ASSERT_FALSE(::pthread_equal(other, caller));
  held = mayGo = false;
  std::signal(SIGUSR1, [](int) {
    held = true;
    while (!mayGo)
      ;
  });
  ::pthread_kill(other, SIGUSR1);
  while (!held)
    std::this_thread::yield();
  uint32_t shares = 0;
  StagedWork work;
  work.stages = 1000;
  work.isSmall = [](uint32_t) { return false; };
  work.run = [&](const Share &share) { shares += share.worker == 0; };
  pool->run(work);
  EXPECT_EQ(shares, 2000u);
  mayGo = true;
  std::signal(SIGUSR1, SIG_DFL);
  // It has missed a thousand stages and goes on with the current one.
  pool->run([&](uint32_t) { pool->barrier(); });
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
