#include "test/Conformance/Gpu/AmdEmulator.h"

#include "compiler/Target/CompilerProcess.h"
#include "compiler/Target/Gpu/CompileKernels.h"
#include "compiler/Target/Hip/AmdClang.h"
#include "runtime/Device/Gpu/LaunchMarks.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <sstream>

namespace quipu::gpu::conformance {

namespace {

constexpr const char *script = "test/Conformance/Gpu/amd_emulator.py"; // tests run in the root of the tree

struct Job {
  std::string row;
  Problem problem;
  std::vector<std::string> files; // by operand; empty: null
  nlohmann::json description;
};

int64_t blocksAlong(const GridAxis &axis, const std::array<int64_t, 4> &dims) {
  if (axis.dim == GridAxis::constant)
    return axis.times;
  return (dims[size_t(axis.dim)] + axis.divide - 1) / axis.divide * axis.times;
}

int64_t emulatedSize(const KernelRow &row) {
  int64_t smallest = *std::max_element(row.sizes.begin(), row.sizes.end());
  for (int64_t size : row.sizes)
    if (size > 1)
      smallest = std::min(smallest, size);
  return smallest;
}

// Writes what a row needs into the folder.
Expected<Job> prepare(const KernelRow &row, const std::vector<CompiledKernel> &stages, const TemporaryFolder &folder) {
  Job job{row.name, row.make(emulatedSize(row)), {}, {}};
  auto addFile = [&](const std::string &name, const std::string &bytes) -> Expected<> {
    job.files.push_back(folder.path(name));
    return folder.write(name, bytes);
  };
  for (size_t i = 0; i < job.problem.operands.size(); ++i) {
    const std::vector<uint8_t> &bytes = job.problem.operands[i].bytes;
    if (bytes.empty())
      job.files.push_back("");
    else if (auto added = addFile(fmt::format("{}.{}", row.name, i), std::string(bytes.begin(), bytes.end())); !added)
      return passError(std::move(added));
  }
  int64_t scratchBytes = 16;
  for (const CompiledKernel &stage : stages)
    scratchBytes = std::max(scratchBytes, stage.kernel.scratchBytes);
  std::array<int32_t, 4> dims;
  std::copy(job.problem.dims.begin(), job.problem.dims.end(), dims.begin());
  for (auto &[name, bytes] : {std::pair(row.name + ".dims", std::string(reinterpret_cast<char *>(&dims), sizeof(dims))),
                              std::pair(row.name + ".scratch", std::string(size_t(scratchBytes), '\xff')),
                              std::pair(row.name + ".mark", std::string(sizeof(uint32_t), '\0'))})
    if (auto added = addFile(name, bytes); !added)
      return passError(std::move(added));

  for (const std::string &file : job.files)
    job.description["operands"].push_back(file.empty() ? nlohmann::json() : nlohmann::json(file));
  for (size_t i = 0; i < stages.size(); ++i) {
    const LaunchGeometry &launch = stages[i].kernel.launch;
    std::string code = fmt::format("{}.stage{}", row.name, i);
    if (auto written = folder.write(code, stages[i].code.native); !written)
      return passError(std::move(written));
    job.description["stages"].push_back(
        {{"code", folder.path(code)},
         {"kernel", "kernel"},
         {"grid",
          {blocksAlong(launch.x, job.problem.dims), blocksAlong(launch.y, job.problem.dims),
           blocksAlong(launch.z, job.problem.dims)}},
         {"block", launch.threads},
         {"shared", launch.sharedBytes}});
  }
  return job;
}

// Runs jobs in one process and gives its lines: fewer than jobs where one ended it.
Expected<std::vector<std::string>> runJobs(const std::vector<Job> &jobs, size_t first, const TemporaryFolder &folder) {
  nlohmann::json list = nlohmann::json::array();
  for (size_t i = first; i < jobs.size(); ++i)
    list.push_back(jobs[i].description);
  if (auto written = folder.write("jobs.json", list.dump()); !written)
    return passError(std::move(written));
  // A signal that ends the emulator is an error of the job it was at; its lines so far are in the file all the same.
  auto run = runCompiler("/usr/bin/env", {"python3", "-B", script, folder.path("jobs.json")}, "", folder);
  Expected<std::string> output = folder.read("output");
  if (!output)
    return passError(std::move(output));
  std::vector<std::string> lines;
  std::istringstream stream(*output);
  for (std::string line; std::getline(stream, line);)
    lines.push_back(line);
  if (run && run->status != 0)
    return makeError("{}: {}", script, lines.empty() ? "failed" : lines.back());
  return lines;
}

} // namespace

bool hasAmdEmulator() {
  const char *checkout = std::getenv("TINYGRAD_DIR");
  return checkout && *checkout;
}

Expected<std::map<std::string, EmulatedRow>> emulate(const std::vector<KernelRow> &rows, const Chip &chip) {
  auto compiler = hip::AmdClang::find(chip.name);
  if (!compiler)
    return passError(std::move(compiler));
  auto folder = TemporaryFolder::create();
  if (!folder)
    return passError(std::move(folder));
  std::map<std::string, EmulatedRow> results;
  std::vector<Job> jobs;
  for (const KernelRow &row : rows) {
    std::vector<CompiledKernel> stages;
    for (KernelSpec spec : row.stages) {
      spec.symbol = "kernel";
      auto compiled = compileKernels({spec}, chip, **compiler);
      if (!compiled) {
        results[row.name].message = compiled.error().message;
        break;
      }
      stages.push_back(std::move(compiled->kernels[0]));
    }
    if (stages.size() != row.stages.size())
      continue;
    auto job = prepare(row, stages, *folder);
    if (!job)
      return passError(std::move(job));
    jobs.push_back(std::move(*job));
  }
  for (size_t done = 0; done < jobs.size();) {
    auto lines = runJobs(jobs, done, *folder);
    if (!lines)
      return passError(std::move(lines));
    for (size_t i = 0; i < lines->size() && done < jobs.size(); ++i)
      results[jobs[done++].row].message = (*lines)[i] == "ok" ? "" : (*lines)[i];
    if (done < jobs.size())
      results[jobs[done++].row].message = "the emulator ended while it ran this";
  }
  for (Job &job : jobs) {
    for (size_t i = 0; i < job.problem.operands.size(); ++i)
      if (std::vector<uint8_t> &bytes = job.problem.operands[i].bytes; !bytes.empty())
        if (auto read = folder->read(fmt::format("{}.{}", job.row, i)))
          bytes.assign(read->begin(), read->end());
    uint32_t mark = 0;
    if (auto read = folder->read(job.row + ".mark"); read && read->size() == sizeof(mark))
      std::memcpy(&mark, read->data(), sizeof(mark));
    std::string &message = results[job.row].message;
    if (message.empty() && mark != LaunchMarks::Alone)
      message = "has not marked that the kernels before it have ended";
    results[job.row].problem = std::move(job.problem);
  }
  return results;
}

} // namespace quipu::gpu::conformance
