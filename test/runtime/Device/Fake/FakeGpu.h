// A GPU for tests on machines without one: what libcuda.so.1 and libamdhip64.so.7 of this folder have in common. It
// runs "kernels" that are functions of a shared object (ToyGpuKernels.cpp), and it is stricter than a real driver:
//
// - what is given to a stream is done as late as it may be, when an event behind it is asked for, and the first answer
//   is always "not ready": results read or memory written too early show
// - addresses, sizes, threads without a context, attributes of launches, use while capturing: each wrong use is noted
// - any call can be told to fail, a kernel to fail when it runs, the device never to answer
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace quipu::fake {

// The shape of a launch, as a toy kernel sees it.
struct Launch {
  unsigned grid[3];
  unsigned threads;
  unsigned sharedBytes;
  unsigned cluster;
  bool early = false; // may start before the kernel in front of it ends
  // How far a kernel comes: to where it waits for those in front of it, through that and no further, or to its end.
  enum Reach { Wait, Begin, End } reach = End;
};
// A toy kernel computes the whole grid; arguments are the values, the last is its mark. Beside each kernel X is an int
// X_arguments.
using ToyKernel = void (*)(const uint64_t *arguments, const Launch *launch);

// Numbers of errors that both vendors share.
enum Error {
  None = 0,
  InvalidValue = 1,
  OutOfMemory = 2,
  NoDevice = 100,
  InvalidContext = 201,
  InvalidImage = 200,
  NotFound = 500,
  NotReady = 600,
  IllegalAddress = 700,
  CaptureUnsupported = 900
};

// What a test sets and sees. The functions of the library lock it.
struct Control {
  int devices = 1;
  int cudaVersion = 12040;
  int hipVersion = 60342131;
  int capability[2] = {9, 0};
  std::string gcnArch = "gfx942:sramecc+:xnack-";
  size_t memory = size_t(1) << 30;
  std::map<std::string, int> failing; // by symbol: the error it gives
  std::string failingKernel;          // an illegal address when it runs
  std::string hangingKernel;          // begins and never ends
  bool hangs = false;                 // no event is ever done
  bool eager = false;                 // work is done as soon as a stream gets it

  std::vector<std::string> complaints; // wrong uses
  std::map<std::string, int> calls;    // by symbol
  std::vector<std::string> ran;        // kernels, in order
  std::vector<Launch> launches;        // of them
  int openObjects = 0;                 // memory, streams, events, modules, graphs, contexts
  size_t used = 0;                     // bytes of device memory
};

class Gpu {
public:
  static Gpu &get();
  virtual ~Gpu() = default;

  // Clears everything for the next test; the program under test has let go of the device. Virtual, for a test calls it
  // from outside of the library.
  virtual void reset();
  Control control;
  std::function<void()> onFault; // what the library does at an illegal address; kept from test to test

  // One call of the library: counts it, fails it where that is asked for, checks the thread.
  int call(const char *symbol, bool needsContext, const std::function<int()> &body);
  void complain(const std::string &what) { control.complaints.push_back(what); }

  int setContext(bool current);
  int memGetInfo(size_t *free, size_t *total);
  int memAlloc(uint64_t *address, size_t bytes);
  int memFree(uint64_t address);
  int hostAlloc(void **memory, size_t bytes, unsigned flags);
  int hostFree(void *memory);
  int copyToDevice(uint64_t to, const void *from, size_t bytes, void *stream);
  int copyToHost(void *to, uint64_t from, size_t bytes, void *stream);
  int copyWithinDevice(uint64_t to, uint64_t from, size_t bytes, void *stream);
  int fillWords(uint64_t to, unsigned value, size_t words, void *stream);
  int streamCreate(void **stream, unsigned flags);
  int streamDestroy(void *stream);
  int eventCreate(void **event, unsigned flags);
  int eventDestroy(void *event);
  int eventRecord(void *event, void *stream);
  int eventQuery(void *event);
  int eventElapsedTime(float *milliseconds, void *begin, void *end);
  int moduleLoad(void **module, const void *image, unsigned options, int *keys, void **values);
  int moduleUnload(void *module);
  int moduleGetFunction(void **function, void *module, const char *symbol);
  int launch(void *function, const Launch &shape, unsigned blockY, unsigned blockZ, void *stream, void **arguments);
  int allowShared(void *function, int bytes);
  int beginCapture(void *stream, int mode);
  int endCapture(void *stream, void **graph);
  int graphInstantiate(void **executable, void *graph);
  int graphDestroy(void *graph);
  int graphLaunch(void *executable, void *stream);

private:
  struct Event;
  // Work on a stream; pinned memory it reads or writes must not go away before.
  struct Work {
    std::function<void()> run;
    const void *pinned = nullptr;
    Event *event = nullptr;
    std::function<void()> beginEarly = nullptr; // while the kernel in front still runs
  };
  struct Graph {
    std::vector<Work> works;
  };
  struct Stream {
    std::deque<Work> queue;
    Graph *capturing = nullptr;
  };
  struct Event {
    bool timed;
    Stream *stream = nullptr; // null: never recorded
    bool done = false, asked = false;
    double time = 0;
  };
  struct Module;
  struct Function {
    std::string symbol;
    ToyKernel kernel;
    int arguments;
    unsigned shared = 48 << 10; // what it may ask for
  };
  struct Module {
    void *handle;
    std::map<std::string, Function> functions;
  };

  // By address, with sizes.
  using Blocks = std::map<uint64_t, size_t>;
  static bool isInside(const Blocks &blocks, uint64_t address, size_t bytes);
  int enqueue(void *stream, Work work);
  void runUntil(Stream &stream, const Event *event);
  void runKernel(const Function &function, Launch shape, const std::vector<uint64_t> &values);
  bool isPending(const void *pinned) const;
  int refuse(const std::string &what, int error = InvalidValue);
  // Of calls that wait for the device.
  int checkWaiting(const char *what);

  std::recursive_mutex mutex;
  int stickyError = 0; // after a kernel has failed every call gives this
  double clock = 0;
  Blocks memory, pinned; // of the device (host memory that the runtime must not touch) and of the host
  std::set<Stream *> streams;
  std::set<Event *> events;
  std::set<Module *> modules;
  std::set<Graph *> graphs, executables;
};

} // namespace quipu::fake

// Each of the two libraries has its own.
extern "C" __attribute__((visibility("default"))) quipu::fake::Gpu *fakeGpu();
