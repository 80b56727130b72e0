#include "tools/quipu/ChildProcess.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sys/wait.h>
#include <unistd.h>

namespace quipu::tool {

static void writeAll(int to, const std::string &text) {
  for (size_t done = 0; done < text.size();) {
    ssize_t written = ::write(to, text.data() + done, text.size() - done);
    if (written <= 0 && errno != EINTR)
      return; // the parent is gone: nobody is left to tell
    done += written > 0 ? static_cast<size_t>(written) : 0;
  }
}

static std::string readAll(int from) {
  std::string text;
  char part[4096];
  for (;;) {
    ssize_t got = ::read(from, part, sizeof part);
    if (got > 0)
      text.append(part, static_cast<size_t>(got));
    else if (got == 0 || errno != EINTR)
      return text;
  }
}

Expected<> runInChild(const std::string &what, const std::function<Expected<>()> &work) {
  int ends[2];
  if (::pipe(ends) != 0)
    return makeError("{}: {}", what, std::strerror(errno));
  std::fflush(nullptr); // or both processes would print what is buffered
  pid_t child = ::fork();
  if (child < 0) {
    int reason = errno;
    ::close(ends[0]);
    ::close(ends[1]);
    return makeError("{}: {}", what, std::strerror(reason));
  }
  if (child == 0) {
    ::close(ends[0]);
    Expected<> done = work();
    if (!done)
      writeAll(ends[1], done.error().message);
    std::fflush(nullptr);
    ::_exit(done ? 0 : 1);
  }
  ::close(ends[1]);
  std::string message = readAll(ends[0]);
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status))
    return makeError("{}: ended by signal {}", what, WTERMSIG(status));
  if (status != 0)
    return makeError("{}", message.empty() ? what + ": failed without saying why" : message);
  return {};
}

} // namespace quipu::tool
