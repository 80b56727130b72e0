// A hiprtc that says it is the release in $FAKE_HIPRTC_RELEASE (600 for 6.0) and ends its process where it is asked to
// compile, as some do for chips they do not know.
#include <cstddef>
#include <cstdlib>
#include <fstream>

#pragma GCC visibility push(default)
extern "C" {

int hipRuntimeGetVersion(int *version) {
  const char *release = std::getenv("FAKE_HIPRTC_RELEASE");
  if (!release)
    std::abort();
  *version = std::atoi(release) * 100000;
  return 0;
}

int hiprtcCreateProgram(void **program, const char *, const char *, int, const char **, const char **) {
  *program = program;
  return 0;
}

int hiprtcCompileProgram(void *, int, const char **) {
  if (const char *log = std::getenv("FAKE_HIPRTC_LOG"))
    std::ofstream(log, std::ios::app) << "asked\n";
  std::abort();
}

int hiprtcGetProgramLogSize(void *, size_t *) { return 1; }
int hiprtcGetProgramLog(void *, char *) { return 1; }
int hiprtcGetCodeSize(void *, size_t *) { return 1; }
int hiprtcGetCode(void *, char *) { return 1; }
const char *hiprtcGetErrorString(int) { return "fake"; }
}
