// The barrier once more, with threads that lose their CPU for a while behind any of its operations on shared words:
// what a busy machine does to it once in hours.
#include <atomic>
#include <chrono>
#include <climits>
#include <cstdint>
#include <gtest/gtest.h>
#include <linux/futex.h>
#include <memory>
#include <random>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

namespace delayed {

inline void pauseAtTimes() {
  thread_local std::minstd_rand random(std::random_device{}());
  if (uint32_t number = random(); number % 8 == 0)
    ::usleep(number / 8 % 60);
}

// Names in the sources below are looked up here first.
namespace std {

using namespace ::std;

template <typename T> class atomic : public ::std::atomic<T> {
  using Base = ::std::atomic<T>;

public:
  using Base::Base;
  T load(memory_order order = memory_order_seq_cst) const { return delayed(Base::load(order)); }
  void store(T value, memory_order order = memory_order_seq_cst) {
    Base::store(value, order);
    pauseAtTimes();
  }
  T exchange(T value, memory_order order = memory_order_seq_cst) { return delayed(Base::exchange(value, order)); }
  T fetch_add(T value, memory_order order = memory_order_seq_cst) { return delayed(Base::fetch_add(value, order)); }

private:
  static T delayed(T value) {
    pauseAtTimes();
    return value;
  }
};

} // namespace std

#include "runtime/Device/Cpu/Barrier.cpp" // NOLINT(bugprone-suspicious-include)

} // namespace delayed

namespace {

TEST(BarrierDelaysTest, whoever_sleeps_is_woken) {
  constexpr int threads = 2, rounds = 15000;
  struct Meeting {
    delayed::quipu::cpu::Barrier barrier{threads, /*spins=*/0};
    std::atomic<int> done = 0, ended = 0;
  };
  auto meeting = std::make_shared<Meeting>(); // of threads that may never end
  for (int i = 0; i < threads; ++i)
    std::thread([meeting, i] {
      std::minstd_rand random(static_cast<uint32_t>(i + 1));
      for (int round = 0; round < rounds; ++round) {
        meeting->barrier.arrive();
        ++meeting->done;
        if (uint32_t number = random(); number % 4 == 0)
          ::usleep(number / 4 % 200);
      }
      ++meeting->ended;
    }).detach();
  for (int before = -1; meeting->ended < threads && before != meeting->done;) {
    before = meeting->done;
    for (int i = 0; i < 100 && meeting->ended < threads; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_EQ(meeting->done, threads * rounds) << "nobody has come on for ten seconds";
}

} // namespace
