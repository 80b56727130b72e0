#include "test/runtime/Device/Fake/FakeGpu.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace quipu::fake {

namespace {

thread_local bool hasContext = false;
constexpr size_t alignment = 256; // of device memory

// A driver is given no size: ELF says where its section headers end, text where it is zero.
size_t imageBytes(const void *image) {
  if (std::memcmp(image, ELFMAG, SELFMAG) != 0)
    return std::strlen(static_cast<const char *>(image));
  Elf64_Ehdr header;
  std::memcpy(&header, image, sizeof(header));
  return header.e_shoff + size_t(header.e_shnum) * header.e_shentsize;
}

// Text is "toy ptx " and the path of a shared object.
void *openImage(const void *image) {
  std::string_view bytes(static_cast<const char *>(image), imageBytes(image));
  if (constexpr std::string_view text = "toy ptx "; bytes.substr(0, text.size()) == text)
    return ::dlopen(std::string(bytes.substr(text.size())).c_str(), RTLD_NOW | RTLD_LOCAL);
  int file = ::memfd_create("image", MFD_CLOEXEC);
  void *handle = nullptr;
  if (::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()))
    handle = ::dlopen(("/proc/self/fd/" + std::to_string(file)).c_str(), RTLD_NOW | RTLD_LOCAL);
  ::close(file);
  return handle;
}

} // namespace

Gpu &Gpu::get() {
  static Gpu gpu;
  return gpu;
}

void Gpu::reset() {
  std::lock_guard<std::recursive_mutex> lock(mutex);
  for (Stream *stream : streams)
    delete stream;
  for (Event *event : events)
    delete event;
  for (Module *module : modules)
    delete module;
  for (const std::set<Graph *> *all : {&graphs, &executables})
    for (Graph *graph : *all)
      delete graph;
  for (const Blocks *blocks : {&memory, &pinned})
    for (auto [address, bytes] : *blocks)
      std::free(reinterpret_cast<void *>(address));
  streams.clear(), events.clear(), modules.clear(), graphs.clear(), executables.clear();
  memory.clear(), pinned.clear();
  stickyError = 0;
  control = {};
  hasContext = false;
}

int Gpu::call(const char *symbol, bool needsContext, const std::function<int()> &body) {
  std::lock_guard<std::recursive_mutex> lock(mutex);
  ++control.calls[symbol];
  if (stickyError)
    return stickyError;
  if (auto failing = control.failing.find(symbol); failing != control.failing.end())
    return failing->second;
  if (needsContext && !hasContext)
    return refuse(std::string(symbol) + " from a thread without a context", InvalidContext);
  return body();
}

int Gpu::refuse(const std::string &what, int error) {
  complain(what);
  return error;
}

int Gpu::checkWaiting(const char *what) {
  for (Stream *stream : streams)
    if (stream->capturing)
      return refuse(std::string(what) + " while a stream is capturing", CaptureUnsupported);
  if (control.hangs)
    return refuse(std::string(what) + " waits for a device that does not answer");
  return None;
}

int Gpu::setContext(bool current) {
  hasContext = current;
  return None;
}

bool Gpu::isInside(const Blocks &blocks, uint64_t address, size_t bytes) {
  auto behind = blocks.upper_bound(address);
  if (behind == blocks.begin())
    return false;
  auto [begin, size] = *std::prev(behind);
  return address - begin <= size && bytes <= size - (address - begin);
}

int Gpu::memGetInfo(size_t *free, size_t *total) {
  *total = control.memory;
  *free = control.memory - std::min(control.memory, control.used);
  return None;
}

int Gpu::memAlloc(uint64_t *address, size_t bytes) {
  if (int error = checkWaiting("an allocation"))
    return error;
  if (bytes == 0)
    return refuse("an allocation of nothing");
  if (bytes > control.memory - control.used)
    return OutOfMemory;
  void *block = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  std::memset(block, 0xcd, bytes); // memory of a device is not zero
  *address = reinterpret_cast<uint64_t>(block);
  memory[*address] = bytes;
  control.used += bytes;
  ++control.openObjects;
  return None;
}

int Gpu::memFree(uint64_t address) {
  if (int error = checkWaiting("to free memory"))
    return error;
  auto found = memory.find(address);
  if (found == memory.end())
    return refuse("memory freed that is not allocated");
  for (Stream *stream : streams)
    runUntil(*stream, nullptr); // as the real one waits
  control.used -= found->second;
  std::free(reinterpret_cast<void *>(address));
  memory.erase(found);
  --control.openObjects;
  return None;
}

int Gpu::hostAlloc(void **to, size_t bytes, unsigned flags) {
  if (int error = checkWaiting("an allocation"))
    return error;
  if (bytes == 0 || flags != 2)
    return refuse("pinned memory of no bytes, or that the device does not have at its address");
  *to = std::malloc(bytes);
  pinned[reinterpret_cast<uint64_t>(*to)] = bytes;
  ++control.openObjects;
  return None;
}

int Gpu::hostFree(void *block) {
  if (int error = checkWaiting("to free memory"))
    return error;
  auto found = pinned.find(reinterpret_cast<uint64_t>(block));
  if (found == pinned.end())
    return refuse("pinned memory freed that is not allocated");
  for (Stream *stream : streams)
    for (const Work &work : stream->queue)
      if (work.pinned && isInside({*found}, reinterpret_cast<uint64_t>(work.pinned), 1))
        complain("pinned memory freed before a copy of it is done");
  std::free(block);
  pinned.erase(found);
  --control.openObjects;
  return None;
}

int Gpu::enqueue(void *to, Work work) {
  auto *stream = static_cast<Stream *>(to);
  if (!streams.count(stream))
    return refuse("work for a stream that there is not");
  if (stream->capturing)
    stream->capturing->works.push_back(std::move(work));
  else
    stream->queue.push_back(std::move(work));
  if (control.eager && !stream->capturing)
    runUntil(*stream, nullptr);
  return None;
}

// All of the stream's work up to an event; all of it where that is null.
void Gpu::runUntil(Stream &stream, const Event *event) {
  while (!stream.queue.empty() && !stickyError && !control.hangs) {
    Work work = std::move(stream.queue.front());
    stream.queue.pop_front();
    clock += 1e-3;
    if (work.run)
      work.run();
    if (work.event) {
      work.event->done = true;
      work.event->time = clock;
      if (work.event == event)
        return;
    }
    if ((stickyError || control.hangs) && !stream.queue.empty() && stream.queue.front().beginEarly)
      stream.queue.front().beginEarly();
  }
}

int Gpu::copyToDevice(uint64_t to, const void *from, size_t bytes, void *stream) {
  if (!isInside(memory, to, bytes) || !isInside(pinned, reinterpret_cast<uint64_t>(from), bytes) || bytes == 0)
    return refuse("a copy to the device from or to memory that is not allocated for it");
  return enqueue(stream, {[=] { std::memcpy(reinterpret_cast<void *>(to), from, bytes); }, from});
}

int Gpu::copyToHost(void *to, uint64_t from, size_t bytes, void *stream) {
  if (!isInside(memory, from, bytes) || !isInside(pinned, reinterpret_cast<uint64_t>(to), bytes) || bytes == 0)
    return refuse("a copy to the host from or to memory that is not allocated for it");
  return enqueue(stream, {[=] { std::memcpy(to, reinterpret_cast<const void *>(from), bytes); }, to});
}

int Gpu::copyWithinDevice(uint64_t to, uint64_t from, size_t bytes, void *stream) {
  if (!isInside(memory, from, bytes) || !isInside(memory, to, bytes))
    return refuse("a copy within the device outside of its memory");
  return enqueue(stream, {[=] { std::memcpy(reinterpret_cast<void *>(to), reinterpret_cast<void *>(from), bytes); }});
}

int Gpu::fillWords(uint64_t to, unsigned value, size_t words, void *stream) {
  if (!isInside(memory, to, words * 4) || to % 4 != 0)
    return refuse("memory filled outside of what is allocated, or not at a word");
  return enqueue(stream, {[=] { std::fill_n(reinterpret_cast<unsigned *>(to), words, value); }});
}

int Gpu::streamCreate(void **stream, unsigned flags) {
  if (flags != 1)
    complain("a stream that waits for the default stream");
  *stream = *streams.insert(new Stream).first;
  ++control.openObjects;
  return None;
}

int Gpu::streamDestroy(void *handle) {
  if (int error = checkWaiting("to destroy a stream"))
    return error;
  auto *stream = static_cast<Stream *>(handle);
  if (!streams.erase(stream))
    return refuse("a stream destroyed that there is not");
  runUntil(*stream, nullptr);
  delete stream;
  --control.openObjects;
  return None;
}

int Gpu::eventCreate(void **event, unsigned flags) {
  *event = *events.insert(new Event{flags == 0}).first;
  ++control.openObjects;
  return None;
}

int Gpu::eventDestroy(void *handle) {
  auto *event = static_cast<Event *>(handle);
  if (!events.erase(event))
    return refuse("an event destroyed that there is not");
  for (Stream *stream : streams)
    for (Work &work : stream->queue)
      if (work.event == event)
        work.event = nullptr;
  delete event;
  --control.openObjects;
  return None;
}

int Gpu::eventRecord(void *handle, void *on) {
  auto *event = static_cast<Event *>(handle);
  auto *stream = static_cast<Stream *>(on);
  if (!events.count(event) || !streams.count(stream))
    return refuse("an event or stream that there is not");
  if (stream->capturing)
    return refuse("an event recorded while capturing", CaptureUnsupported);
  event->stream = stream;
  event->done = event->asked = false;
  return enqueue(stream, {nullptr, nullptr, event});
}

int Gpu::eventQuery(void *handle) {
  auto *event = static_cast<Event *>(handle);
  if (!events.count(event))
    return refuse("an event that there is not");
  if (!event->stream || event->done)
    return None;
  if (!std::exchange(event->asked, true) || control.hangs)
    return NotReady;
  runUntil(*event->stream, event);
  return control.hangs ? int(NotReady) : stickyError;
}

int Gpu::eventElapsedTime(float *milliseconds, void *begin, void *end) {
  auto *first = static_cast<Event *>(begin), *last = static_cast<Event *>(end);
  if (!events.count(first) || !events.count(last) || !first->timed || !last->timed || !first->done || !last->done)
    return refuse("the time between events that are not done or not timed");
  *milliseconds = static_cast<float>(1e3 * (last->time - first->time));
  return None;
}

int Gpu::moduleLoad(void **module, const void *image, unsigned options, int *keys, void **values) {
  if (int error = checkWaiting("to load a module"))
    return error;
  void *handle = openImage(image);
  if (!handle) {
    for (unsigned i = 0; i + 1 < options; ++i)
      if (keys[i] == 5 && keys[i + 1] == 6) // CU_JIT_ERROR_LOG_BUFFER and its size, as CUDA has them
        std::snprintf(static_cast<char *>(values[i]), reinterpret_cast<size_t>(values[i + 1]), "line 9; fatal\nmore");
    return InvalidImage;
  }
  *module = *modules.insert(new Module{handle, {}}).first;
  ++control.openObjects;
  return None;
}

int Gpu::moduleUnload(void *handle) {
  if (int error = checkWaiting("to unload a module"))
    return error;
  auto *module = static_cast<Module *>(handle);
  if (!modules.erase(module))
    return refuse("a module unloaded that there is not");
  ::dlclose(module->handle);
  delete module;
  --control.openObjects;
  return None;
}

int Gpu::moduleGetFunction(void **function, void *handle, const char *symbol) {
  auto *module = static_cast<Module *>(handle);
  if (!modules.count(module))
    return refuse("a function of a module that there is not");
  auto kernel = reinterpret_cast<ToyKernel>(::dlsym(module->handle, symbol));
  auto *count = static_cast<const int *>(::dlsym(module->handle, (std::string(symbol) + "_arguments").c_str()));
  if (!kernel || !count)
    return NotFound;
  *function = &module->functions.try_emplace(symbol, Function{symbol, kernel, *count}).first->second;
  return None;
}

int Gpu::allowShared(void *function, int bytes) {
  static_cast<Function *>(function)->shared = static_cast<unsigned>(bytes);
  return None;
}

int Gpu::launch(void *handle, const Launch &shape, unsigned blockY, unsigned blockZ, void *stream, void **arguments) {
  const Function &function = *static_cast<Function *>(handle);
  if (shape.grid[0] == 0 || shape.grid[1] == 0 || shape.grid[2] == 0 || shape.grid[1] > 65535 || shape.grid[2] > 65535)
    return refuse(function.symbol + ": a grid that a GPU does not take");
  if (shape.threads == 0 || shape.threads > 1024 || blockY != 1 || blockZ != 1)
    return refuse(function.symbol + ": a block that a GPU does not take");
  if (shape.sharedBytes > function.shared)
    return refuse(function.symbol + ": more shared memory than was asked for");
  if (shape.cluster == 0 || shape.grid[0] % shape.cluster != 0)
    return refuse(function.symbol + ": a grid that is not of whole clusters");
  std::vector<uint64_t> values;
  for (int i = 0; i < function.arguments; ++i) {
    std::memcpy(&values.emplace_back(), arguments[i], sizeof(uint64_t));
    bool isMark = i == function.arguments - 1;
    if (values.back() != 0 && !isInside(isMark ? pinned : memory, values.back(), isMark ? 4 : 1))
      return refuse(function.symbol + ": an argument outside of the device's memory");
  }
  Work work;
  work.run = [this, function, shape, values] { runKernel(function, shape, values); };
  if (shape.early)
    work.beginEarly = [function, begun = shape, values]() mutable {
      begun.reach = Launch::Wait;
      function.kernel(values.data(), &begun);
    };
  return enqueue(stream, std::move(work));
}

void Gpu::runKernel(const Function &function, Launch shape, const std::vector<uint64_t> &values) {
  control.ran.push_back(function.symbol);
  control.launches.push_back(shape);
  if (function.symbol == control.failingKernel)
    stickyError = IllegalAddress;
  control.hangs |= function.symbol == control.hangingKernel;
  if (stickyError || control.hangs)
    shape.reach = Launch::Begin;
  function.kernel(values.data(), &shape);
  if (stickyError && onFault)
    onFault();
}

int Gpu::beginCapture(void *handle, int mode) {
  auto *stream = static_cast<Stream *>(handle);
  if (!streams.count(stream) || stream->capturing || mode != 1)
    return refuse("capturing begun twice, or in a mode that other threads disturb");
  stream->capturing = *graphs.insert(new Graph).first;
  ++control.openObjects;
  return None;
}

int Gpu::endCapture(void *handle, void **graph) {
  auto *stream = static_cast<Stream *>(handle);
  if (!streams.count(stream) || !stream->capturing)
    return refuse("capturing ended that has not begun");
  *graph = std::exchange(stream->capturing, nullptr);
  return None;
}

int Gpu::graphInstantiate(void **executable, void *graph) {
  if (!graphs.count(static_cast<Graph *>(graph)))
    return refuse("a graph that there is not");
  *executable = *executables.insert(new Graph(*static_cast<Graph *>(graph))).first;
  ++control.openObjects;
  return None;
}

int Gpu::graphDestroy(void *handle) {
  auto *graph = static_cast<Graph *>(handle);
  if (!graphs.erase(graph) && !executables.erase(graph))
    return refuse("a graph destroyed that there is not");
  delete graph;
  --control.openObjects;
  return None;
}

int Gpu::graphLaunch(void *executable, void *stream) {
  auto *graph = static_cast<Graph *>(executable);
  if (!executables.count(graph))
    return refuse("a graph launched that is not instantiated");
  for (const Work &work : graph->works)
    if (int error = enqueue(stream, work))
      return error;
  return None;
}

} // namespace quipu::fake

quipu::fake::Gpu *fakeGpu() { return &quipu::fake::Gpu::get(); }
