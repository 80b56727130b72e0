#include "runtime/Device/Cpu/ControlGroup.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

using namespace quipu::cpu;
namespace fs = std::filesystem;

namespace {

class ControlGroupTest : public testing::Test {
protected:
  void SetUp() override { folder = fs::path(testing::TempDir()) / ("quipu-cgroup-" + std::to_string(::getpid())); }
  void TearDown() override { fs::remove_all(folder); }

  void write(const std::string &name, const std::string &text) {
    fs::create_directories((folder / name).parent_path());
    std::ofstream(folder / name) << text;
  }
  ControlGroupLimits limits(const std::string &membership) {
    write("membership", membership);
    return controlGroupLimits(folder / "membership", folder);
  }

  fs::path folder;
};

TEST_F(ControlGroupTest, the_tightest_group_around_counts) {
  write("cpu.max", "max 100000\n");
  write("memory.max", "max\n");
  write("a.slice/cpu.max", "150000 100000\n");
  write("a.slice/memory.max", "1000000\n");
  write("a.slice/b.scope/cpu.max", "400000 100000\n");
  write("a.slice/b.scope/memory.max", "2000000\n");
  EXPECT_EQ(limits("0::/a.slice/b.scope\n").cpus, 1.5);
  EXPECT_EQ(limits("0::/a.slice/b.scope\n").memory, 1000000u);
  write("a.slice/b.scope/memory.max", "500000\n");
  EXPECT_EQ(limits("0::/a.slice/b.scope\n").memory, 500000u);
  EXPECT_EQ(limits("0::/\n").memory, UINT64_MAX);
}

TEST_F(ControlGroupTest, memory_in_use_counts_and_the_cache_of_files_does_not) {
  write("a/memory.max", "1000000\n");
  write("a/memory.current", "700000\n");
  write("a/memory.stat", "anon 300000\nfile 400000\nshmem 50000\ninactive_anon 50000\nactive_file 150000\n"
                         "inactive_file 200000\nunevictable 0\n");
  EXPECT_EQ(limits("0::/a\n").memory, 1000000u - 700000 + 350000);
  // The group within it has a wider limit and less in use, the one around it a wider limit but more in use.
  write("a/b/memory.max", "900000\n");
  write("a/b/memory.current", "100000\n");
  EXPECT_EQ(limits("0::/a/b\n").memory, 650000u);
  write("memory.max", "5000000\n");
  write("memory.current", "4900000\n");
  EXPECT_EQ(limits("0::/a/b\n").memory, 100000u);
  write("a/b/memory.high", "150000\n");
  EXPECT_EQ(limits("0::/a/b\n").memory, 50000u);
  write("a/b/memory.current", "160000\n"); // above its limit, as after the limit was lowered
  EXPECT_EQ(limits("0::/a/b\n").memory, 0u);
  write("a/b/memory.stat", "inactive_file 999999999\n");
  EXPECT_EQ(limits("0::/a/b\n").memory, 100000u);
}

TEST_F(ControlGroupTest, groups_that_are_not_visible_say_nothing) {
  write("memory.max", "700000\n");
  EXPECT_EQ(limits("0::/../../host/c\n").memory, 700000u);
  EXPECT_EQ(limits("").cpus, INFINITY);
  EXPECT_EQ(controlGroupLimits(folder / "absent", folder).memory, UINT64_MAX);
}

TEST_F(ControlGroupTest, version_1_has_a_tree_for_each_controller) {
  write("cpu/docker/x/cpu.cfs_quota_us", "250000\n");
  write("cpu/docker/x/cpu.cfs_period_us", "100000\n");
  write("cpu/cpu.cfs_quota_us", "-1\n");
  write("cpu/cpu.cfs_period_us", "100000\n");
  write("memory/docker/memory.limit_in_bytes", "4000000\n");
  ControlGroupLimits found = limits("5:cpu,cpuacct:/docker/x\n6:memory:/docker/x\n1:name=systemd:/docker/x\n");
  EXPECT_EQ(found.cpus, 2.5);
  EXPECT_EQ(found.memory, 4000000u);
  // Numbers of the group and of those within it begin with "total_".
  write("memory/docker/memory.usage_in_bytes", "3000000\n");
  write("memory/docker/memory.stat", "inactive_file 1\nactive_file 1\ntotal_inactive_file 400000\n"
                                     "total_active_file 100000\n");
  EXPECT_EQ(limits("6:memory:/docker/x\n").memory, 1500000u);
}

TEST_F(ControlGroupTest, version_2_beside_version_1_has_a_tree_of_its_own) {
  write("memory/memory.limit_in_bytes", "9223372036854771712\n"); // none
  write("unified/a/cpu.max", "50000 100000\n");
  write("unified/a/memory.max", "3000000\n");
  ControlGroupLimits found = limits("4:memory:/\n0::/a\n");
  EXPECT_EQ(found.cpus, 0.5);
  EXPECT_EQ(found.memory, 3000000u);
}

} // namespace
