#include "runtime/Device/Gpu/GpuProgram.h"

#include "runtime/Artifact/ProgramChecks.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace quipu::gpu {

namespace {

constexpr size_t mostGraphs = 64;
// Two writes that are less apart go in one copy: to start another costs as much as this many bytes.
constexpr uint64_t worthOneCopy = 64 << 10;

bool isInside(const MemoryRange &range, const MemoryRange &whole) {
  return range.offset >= whole.offset && range.offset + range.bytes <= whole.offset + whole.bytes;
}

} // namespace

Expected<void> GpuProgram::usable() const {
  if (!failure.empty())
    return makeError("{}", failure);
  return driver->useFromThisThread();
}

Expected<void> GpuProgram::fail(const std::string &what, const Error &error) {
  if (failure.empty()) {
    std::string ran = whatRan();
    failure =
        fmt::format("{}: {}", ran.empty() ? fmt::format("{}: {}", driver->info().device, what) : ran, error.message);
  }
  return makeError("{}", failure);
}

std::string GpuProgram::stepName() const {
  return fmt::format("a step of {} tokens of {} sequences", dims[0], dims[1]);
}

std::string GpuProgram::whatRan() const {
  std::string begun = launchMarks.lastBegun(dims);
  return begun.empty() ? "" : fmt::format("{}: {} of {}", driver->info().device, begun, stepName());
}

// The driver gives a launch the error of a kernel in front of it as well.
Expected<void> GpuProgram::failLaunch(const std::string &what, const Error &error) {
  if (!capturing)
    if (Expected<void> waited = wait(what); !waited)
      return waited;
  return fail(what, error);
}

Expected<void> GpuProgram::wait(const std::string &what) {
  if (Expected<void> recorded = driver->record(finished, stream); !recorded)
    return fail(what, recorded.error());
  if (Expected<void> waited = waitFor(*driver, finished, timeout); !waited)
    return fail(what, waited.error());
  launchMarks.clear();
  return {};
}

void GpuProgram::setDims(const StepDims &newDims) {
  dims = newDims;
  const MemoryRange &place = plan().stepDims;
  std::array<int32_t, 4> values;
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<int32_t>(dims[i]);
  std::memcpy(mirror + (place.offset - plan().inputs.offset), values.data(), sizeof(values));
  unsent.push_back(place);
}

Expected<void> GpuProgram::sendInputs() {
  std::sort(unsent.begin(), unsent.end(), [](const auto &a, const auto &b) { return a.offset < b.offset; });
  for (size_t i = 0; i < unsent.size();) {
    uint64_t begin = unsent[i].offset, end = begin + unsent[i].bytes;
    for (++i; i < unsent.size() && unsent[i].offset <= end + worthOneCopy; ++i)
      end = std::max(end, unsent[i].offset + unsent[i].bytes);
    if (Expected<void> sent =
            driver->copyToDevice(block + begin, mirror + (begin - plan().inputs.offset), end - begin, stream);
        !sent)
      return fail("the inputs of a step", sent.error());
  }
  unsent.clear();
  return {};
}

Expected<void> GpuProgram::startLaunch(uint32_t index, const StepDims &shapeDims) {
  const fb::Launch &launch = *target().launches()->Get(index);
  const fb::Variant *variant = variantOf(launch, shapeDims);
  if (!variant)
    return {};
  std::vector<void *> pointers;
  for (Address &argument : arguments[index])
    pointers.push_back(&argument);
  for (uint32_t stage = 0; stage < variant->stages()->size(); ++stage) {
    const Kernel &kernel = kernels[variant->stages()->Get(stage)->kernel()];
    auto named = [&] { return fmt::format("launch '{}', kernel '{}'", launch.name()->str(), kernel.symbol); };
    Expected<LaunchShape> shape = shapeOf(*kernel.geometry, shapeDims);
    if (!shape)
      return fail(named(), shape.error());
    if (std::find(shape->grid.begin(), shape->grid.end(), 0u) != shape->grid.end())
      continue;
    // A copy or an event in front of a kernel is waited for by the device, not by the kernel.
    shape->early &= behindKernel;
    arguments[index].back() = launchMarks.of(index, stage);
    if (Expected<void> started = driver->launch(kernel.function, *shape, pointers.data(), stream); !started)
      return failLaunch(named(), started.error());
    behindKernel = !checkLaunches;
    if (checkLaunches)
      if (Expected<void> waited = wait(named()); !waited)
        return waited;
  }
  return {};
}

Expected<void> GpuProgram::startLaunches(const StepDims &shapeDims) {
  behindKernel = false;
  for (uint32_t i = 0; i < arguments.size(); ++i)
    if (Expected<void> started = startLaunch(i, shapeDims); !started)
      return started;
  return {};
}

Expected<void> GpuProgram::startTimedLaunches() {
  for (uint32_t i = 0; i < arguments.size(); ++i) {
    if (Expected<void> marked = driver->record(marks[i], stream); !marked)
      return fail(stepName(), marked.error());
    behindKernel = false;
    if (Expected<void> started = startLaunch(i, dims); !started)
      return started;
  }
  if (Expected<void> marked = driver->record(marks.back(), stream); !marked)
    return fail(stepName(), marked.error());
  return {};
}

// The device's clock says how long; that its last launch ended now puts the spans on the host's.
Expected<void> GpuProgram::addSpans() {
  double ended = std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  Expected<double> all = driver->secondsBetween(marks.front(), marks.back());
  if (!all)
    return fail(stepName(), all.error());
  double begin = ended - *all;
  if (!taken.empty())
    begin = std::max(begin, taken.back().begin + taken.back().seconds);
  for (uint32_t i = 0; i < arguments.size(); ++i) {
    Expected<double> seconds = driver->secondsBetween(marks[i], marks[i + 1]);
    if (!seconds)
      return fail(stepName(), seconds.error());
    if (const fb::Variant *variant = variantOf(*target().launches()->Get(i), dims))
      taken.push_back(
          {i, variant->stages()->Get(variant->stages()->size() - 1)->kernel(), 0, begin, *seconds, *seconds});
    begin += *seconds;
  }
  return {};
}

Expected<Graph> GpuProgram::graphOf(const StepDims &bucket) {
  auto found =
      std::find_if(graphs.begin(), graphs.end(), [&](const CachedGraph &cached) { return cached.bucket == bucket; });
  if (found != graphs.end()) {
    graphs.splice(graphs.begin(), graphs, found);
    return graphs.front().graph;
  }
  if (Expected<void> begun = driver->beginCapture(stream); !begun)
    return passError(fail(stepName(), begun.error()));
  capturing = true;
  Expected<void> started = startLaunches(bucket);
  capturing = false;
  Expected<Graph> graph = driver->endCapture(stream); // whatever has happened in between
  if (!started) {
    if (graph)
      driver->destroy(*graph);
    return passError(std::move(started));
  }
  if (!graph)
    return passError(fail(stepName(), graph.error()));
  graphs.push_front({bucket, *graph});
  if (graphs.size() > mostGraphs) {
    driver->destroy(graphs.back().graph);
    graphs.pop_back();
  }
  return *graph;
}

// The engine reads it after every step: it comes in the same wait.
Expected<void> GpuProgram::fetchSampled() {
  uint64_t bytes = static_cast<uint64_t>(dims[2]) * sizeof(int32_t);
  if (bytes == 0)
    return {};
  const MemoryRange &sampled = plan().buffers[outputBuffer(StepOutput::Sampled)];
  if (Expected<void> fetched = driver->copyToHost(sampledMirror, block + sampled.offset, bytes, stream); !fetched)
    return fail(stepName(), fetched.error());
  sampledBytes = bytes;
  return {};
}

Expected<void> GpuProgram::run() {
  if (Expected<void> can = usable(); !can)
    return can;
  sampledBytes = 0;
  if (Expected<void> sent = sendInputs(); !sent)
    return sent;
  std::optional<StepDims> bucket = buckets.bucketOf(dims);
  Expected<void> started;
  if (profiling) {
    started = startTimedLaunches();
  } else if (checkLaunches || !bucket) {
    started = startLaunches(dims);
  } else {
    Expected<Graph> graph = graphOf(*bucket);
    if (!graph)
      return passError(std::move(graph));
    if (Expected<void> launched = driver->launchGraph(*graph, stream); !launched)
      return fail(stepName(), launched.error());
  }
  if (!started)
    return started;
  if (Expected<void> fetched = fetchSampled(); !fetched)
    return fetched;
  if (Expected<void> waited = wait(stepName()); !waited)
    return waited;
  return profiling ? addSpans() : Expected<void>();
}

Expected<void> GpuProgram::runLaunch(uint32_t launch) {
  if (launch >= arguments.size())
    return makeError("launch {} does not exist: there are {}", launch, arguments.size());
  if (Expected<void> can = usable(); !can)
    return can;
  sampledBytes = 0;
  if (Expected<void> sent = sendInputs(); !sent)
    return sent;
  behindKernel = false;
  if (Expected<void> started = startLaunch(launch, dims); !started)
    return started;
  return wait(fmt::format("launch '{}'", target().launches()->Get(launch)->name()->str()));
}

void GpuProgram::profile(bool on) {
  profiling = on;
  taken.clear();
  if (!on || !usable())
    return;
  while (marks.size() <= arguments.size()) {
    Expected<Event> mark = driver->createEvent(true);
    if (!mark) {
      (void)fail("an event to take the time with", mark.error());
      return;
    }
    marks.push_back(*mark);
  }
}

Expected<void> GpuProgram::upload(MemoryRange range, const void *from) {
  if (Expected<void> can = usable(); !can)
    return can;
  const auto *bytes = static_cast<const std::byte *>(from);
  if (isInside(range, plan().inputs)) {
    std::memcpy(mirror + (range.offset - plan().inputs.offset), bytes, range.bytes);
    unsent.push_back(range);
    return {};
  }
  sampledBytes = 0;
  for (uint64_t done = 0; done < range.bytes; done += stagingBytes) {
    uint64_t part = std::min(stagingBytes, range.bytes - done);
    std::memcpy(staging, bytes + done, part);
    if (Expected<void> sent = driver->copyToDevice(block + range.offset + done, staging, part, stream); !sent)
      return fail("a copy to the device", sent.error());
    if (Expected<void> waited = wait("a copy to the device"); !waited)
      return waited;
  }
  return {};
}

Expected<void> GpuProgram::download(MemoryRange range, void *to) {
  if (Expected<void> can = usable(); !can)
    return can;
  auto *out = static_cast<std::byte *>(to);
  const MemoryRange &sampled = plan().buffers[outputBuffer(StepOutput::Sampled)];
  if (isInside(range, {sampled.offset, sampledBytes})) {
    std::memcpy(out, sampledMirror + (range.offset - sampled.offset), range.bytes);
    return {};
  }
  if (Expected<void> sent = sendInputs(); !sent)
    return sent;
  for (uint64_t done = 0; done < range.bytes; done += stagingBytes) {
    uint64_t part = std::min(stagingBytes, range.bytes - done);
    if (Expected<void> got = driver->copyToHost(staging, block + range.offset + done, part, stream); !got)
      return fail("a copy from the device", got.error());
    if (Expected<void> waited = wait("a copy from the device"); !waited)
      return waited;
    std::memcpy(out + done, staging, part);
  }
  return {};
}

} // namespace quipu::gpu
