#include "runtime/Device/Gpu/DriverLibrary.h"

#include <dlfcn.h>

namespace quipu::gpu {

Expected<DriverLibrary> DriverLibrary::open(const std::vector<const char *> &names) {
  DriverLibrary library;
  std::string reason;
  for (const char *name : names) {
    library.handle = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library.handle) {
      library.libraryName = name;
      return library;
    }
    if (const char *error = ::dlerror(); reason.empty() && error)
      reason = error;
  }
  return makeError("no driver: {}", reason);
}

void *DriverLibrary::find(const char *symbol) const { return ::dlsym(handle, symbol); }

Expected<void> DriverLibrary::lacks(const char *symbol) const {
  return makeError("the driver is too old: {} has no {}", libraryName, symbol);
}

} // namespace quipu::gpu
