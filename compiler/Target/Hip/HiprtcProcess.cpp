// The program quipu-hiprtc: AMD's runtime compiler in a process of its own.
//
//   quipu-hiprtc LIBRARY                        prints the version of HIP, HIP_VERSION of its headers
//   quipu-hiprtc LIBRARY NAME FILE OPTION...    compiles standard input, called NAME, to the code object FILE
//
// Exit status 1 where it does not work, with what is the matter on standard error.
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

namespace {

using Program = void *;

struct Library {
  void *handle;
  bool complete = true;

  template <typename Function> Function *bind(const char *name) {
    auto *function = reinterpret_cast<Function *>(::dlsym(handle, name));
    if (!function)
      std::cerr << "no function " << name << '\n', complete = false;
    return function;
  }
};

// The version is known to the library of the runtime; since ROCm 5.6 that is another one in the same folder.
int hipVersion(void *handle) {
  void *function = ::dlsym(handle, "hipRuntimeGetVersion");
  Dl_info place;
  if (void *known = ::dlsym(handle, "hiprtcVersion"); !function && known && ::dladdr(known, &place)) {
    std::string path = place.dli_fname;
    size_t name = path.find("libhiprtc");
    if (name == std::string::npos)
      return 0;
    path.replace(name, std::strlen("libhiprtc"), "libamdhip64");
    // The file's own name may end in a longer version than the link's: the first number is that of both.
    if (size_t version = path.find(".so.", name); version != std::string::npos)
      path.resize(path.find('.', version + 4) == std::string::npos ? path.size() : path.find('.', version + 4));
    if (void *runtime = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL))
      function = ::dlsym(runtime, "hipRuntimeGetVersion");
  }
  int version = 0;
  if (!function || reinterpret_cast<int (*)(int *)>(function)(&version) != 0)
    return 0;
  return version;
}

int compile(Library library, const char *name, const char *output, std::vector<const char *> options) {
  auto create = library.bind<int(Program *, const char *, const char *, int, const char **, const char **)>(
      "hiprtcCreateProgram");
  auto compileProgram = library.bind<int(Program, int, const char **)>("hiprtcCompileProgram");
  auto logSize = library.bind<int(Program, size_t *)>("hiprtcGetProgramLogSize");
  auto getLog = library.bind<int(Program, char *)>("hiprtcGetProgramLog");
  auto codeSize = library.bind<int(Program, size_t *)>("hiprtcGetCodeSize");
  auto getCode = library.bind<int(Program, char *)>("hiprtcGetCode");
  auto errorString = library.bind<const char *(int)>("hiprtcGetErrorString");
  if (!library.complete)
    return 1;

  std::string source{std::istreambuf_iterator<char>(std::cin), {}};
  Program program = nullptr;
  int result = create(&program, source.c_str(), name, 0, nullptr, nullptr);
  if (result == 0)
    result = compileProgram(program, int(options.size()), options.data());
  if (result != 0) {
    size_t size = 0;
    std::string log;
    if (program && logSize(program, &size) == 0 && size != 0) {
      log.resize(size);
      getLog(program, log.data());
    }
    std::cerr << (log.find_first_not_of(" \n") == std::string::npos ? errorString(result) : log.c_str()) << '\n';
    return 1;
  }
  size_t size = 0;
  if (codeSize(program, &size) != 0 || size == 0)
    return std::cerr << "no code\n", 1;
  std::string code(size, '\0');
  getCode(program, code.data());
  std::ofstream file(output, std::ios::binary);
  file.write(code.data(), std::streamsize(code.size()));
  file.close();
  return file ? 0 : (std::cerr << "cannot write " << output << '\n', 1);
}

} // namespace

int main(int count, char **arguments) {
  if (count < 2 || count == 3)
    return std::cerr << "usage: quipu-hiprtc LIBRARY [NAME FILE OPTION...]; quipu runs it when it must\n", 1;
  void *handle = ::dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    return std::cerr << ::dlerror() << '\n', 1;
  int status = 0;
  if (count == 2) {
    int version = hipVersion(handle);
    status = version == 0;
    std::cout << version << std::endl;
  } else {
    status = compile({handle}, arguments[2], arguments[3], {arguments + 4, arguments + count});
  }
  std::fflush(nullptr);
  std::cout.flush();
  ::_Exit(status); // the runtime's own clean-up expects a device
}
