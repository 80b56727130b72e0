// A variable of the environment, set for one test.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

namespace quipu {

class Setting {
public:
  Setting(const char *name, const std::string &value) : name(name) {
    if (const char *was = std::getenv(name))
      before = was;
    setenv(name, value.c_str(), 1);
  }
  ~Setting() {
    if (before)
      setenv(name, before->c_str(), 1);
    else
      unsetenv(name);
  }
  Setting(const Setting &) = delete;
  Setting &operator=(const Setting &) = delete;

private:
  const char *name;
  std::optional<std::string> before;
};

} // namespace quipu
