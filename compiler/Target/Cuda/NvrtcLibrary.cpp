#include "compiler/Target/Cuda/NvrtcLibrary.h"

#include <algorithm>
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <glob.h>
#include <map>
#include <mutex>

namespace quipu::cuda {

namespace {

constexpr int leastMajor = 12; // the first that knows sm_90a

std::string environment(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

// Files of a pattern, the highest version first.
std::vector<std::string> filesOf(const std::string &pattern) {
  glob_t found{};
  std::vector<std::string> files;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0)
    files.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  std::reverse(files.begin(), files.end());
  return files;
}

// A toolkit's or a wheel's folder holds libnvrtc.so.13 and, where it is split, other libraries of similar names.
constexpr const char *fileName = "libnvrtc.so.1[0-9]";

std::vector<std::string> candidates() {
  std::vector<std::string> files;
  auto add = [&](const std::string &pattern) {
    for (std::string &file : filesOf(pattern))
      files.push_back(std::move(file));
  };
  for (const char *name : {"libnvrtc.so.13", "libnvrtc.so.12"})
    files.push_back(name); // as the dynamic linker finds it: LD_LIBRARY_PATH, ld.so.conf
  for (const std::string &toolkit :
       {environment("CUDA_PATH"), environment("CUDA_HOME"), std::string("/usr/local/cuda")})
    if (!toolkit.empty())
      add(toolkit + "/lib64/" + fileName);
  add(std::string("/usr/local/cuda-*/lib64/") + fileName);
  std::string home = environment("HOME");
  for (const std::string &python :
       {environment("VIRTUAL_ENV"), environment("CONDA_PREFIX"), home.empty() ? home : home + "/.local",
        std::string("/usr/local"), std::string("/usr")})
    if (!python.empty())
      for (const char *packages : {"site-packages", "dist-packages"})
        add(fmt::format("{}/lib/python3*/{}/nvidia/c*/lib/{}", python, packages, fileName));
  return files;
}

Expected<NvrtcLibrary> openLibrary(const std::string &path) {
  void *handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL); // never closed: it has threads and caches of its own
  if (!handle)
    return makeError("{}", ::dlerror());
  NvrtcLibrary library;
  library.path = path;
  const char *missing = nullptr;
  auto bind = [&](auto &function, const char *name) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(::dlsym(handle, name));
    if (!function)
      missing = name;
  };
  bind(library.errorString, "nvrtcGetErrorString");
  bind(library.version, "nvrtcVersion");
  bind(library.countChips, "nvrtcGetNumSupportedArchs");
  bind(library.listChips, "nvrtcGetSupportedArchs");
  bind(library.create, "nvrtcCreateProgram");
  bind(library.destroy, "nvrtcDestroyProgram");
  bind(library.compile, "nvrtcCompileProgram");
  bind(library.logSize, "nvrtcGetProgramLogSize");
  bind(library.log, "nvrtcGetProgramLog");
  bind(library.cubinSize, "nvrtcGetCUBINSize");
  bind(library.cubin, "nvrtcGetCUBIN");
  bind(library.ptxSize, "nvrtcGetPTXSize");
  bind(library.ptx, "nvrtcGetPTX");
  if (missing)
    return makeError("{} has no function {}; quipu needs NVRTC of CUDA {}.0 or later", path, missing, leastMajor);
  int count = 0;
  if (library.version(&library.major, &library.minor) != 0 || library.countChips(&count) != 0 || count < 0)
    return makeError("{} does not say which version it is", path);
  if (library.major < leastMajor)
    return makeError("{} is NVRTC {}.{}; quipu needs that of CUDA {}.0 or later", path, library.major, library.minor,
                     leastMajor);
  library.chips.resize(static_cast<size_t>(count));
  if (library.listChips(library.chips.data()) != 0)
    return makeError("{} does not say which chips it knows", path);
  return library;
}

Expected<NvrtcLibrary> search(const std::string &asked) {
  if (asked == "none")
    return makeError("NVRTC is switched off by QUIPU_NVRTC");
  if (!asked.empty()) {
    std::error_code error;
    std::vector<std::string> files = {asked};
    if (std::filesystem::is_directory(asked, error))
      files = filesOf(asked + "/" + fileName);
    if (files.empty())
      return makeError("QUIPU_NVRTC says \"{}\", where there is no libnvrtc.so.12 or .13", asked);
    Expected<NvrtcLibrary> library = openLibrary(files.front());
    if (!library)
      return makeError("QUIPU_NVRTC: {}", library.error().message);
    return library;
  }
  for (const std::string &file : candidates())
    if (Expected<NvrtcLibrary> library = openLibrary(file))
      return library;
  return makeError("there is no NVRTC (libnvrtc.so.12 or .13): install a CUDA toolkit or the Python package "
                   "nvidia-cuda-nvrtc, or set QUIPU_NVRTC to the library");
}

} // namespace

Expected<const NvrtcLibrary *> openNvrtc() {
  static std::mutex lock;
  static auto &opened = *new std::map<std::string, Expected<NvrtcLibrary>>;
  std::lock_guard<std::mutex> guard(lock);
  std::string asked = environment("QUIPU_NVRTC");
  auto entry = opened.find(asked);
  if (entry == opened.end())
    entry = opened.emplace(asked, search(asked)).first;
  if (!entry->second)
    return makeError("{}", entry->second.error().message);
  return &*entry->second;
}

} // namespace quipu::cuda
