// A vendor's library, opened at run time: the build needs none of its headers, and a machine without it runs the rest.
#pragma once

#include "runtime/Support/Error.h"

#include <string>
#include <vector>

namespace quipu::gpu {

class DriverLibrary {
public:
  // The first of the names that the system's loader finds; an error names all of them. It stays open: drivers start
  // threads and register functions that run at exit.
  static Expected<DriverLibrary> open(const std::vector<const char *> &names);

  // Sets a function pointer. An error where the library has no such function: it is too old.
  template <typename Function> Expected<void> bind(Function *&function, const char *symbol) const {
    function = reinterpret_cast<Function *>(find(symbol));
    return function ? Expected<void>() : lacks(symbol);
  }
  // Null where the library has none.
  void *find(const char *symbol) const;

private:
  Expected<void> lacks(const char *symbol) const;

  void *handle = nullptr;
  std::string libraryName;
};

// Binds one function after the other: bind(pointer, symbol). `result` is the error of the first that is not there.
class Binding {
public:
  explicit Binding(const DriverLibrary &library) : library(library) {}

  template <typename Function> void operator()(Function *&function, const char *symbol) {
    if (result)
      result = library.bind(function, symbol);
  }

  Expected<void> result;

private:
  const DriverLibrary &library;
};

} // namespace quipu::gpu
