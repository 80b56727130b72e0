// A libquipu_compiler.so of another build: what it would say if it were asked to compile is nobody's business.
#include <cstdlib>

#define EXPORTED extern "C" __attribute__((visibility("default")))

EXPORTED const char *quipuCompilerInterface() { return "0.0.9-abcdef"; }
EXPORTED const void *quipuCompilerApi() { std::abort(); }
