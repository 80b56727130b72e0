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
}

} // namespace
