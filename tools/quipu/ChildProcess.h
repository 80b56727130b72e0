// Work done in a process of its own, so that the memory it took is given back whole.
#pragma once

#include "runtime/Support/Error.h"

#include <functional>

namespace quipu::tool {

// Runs `work` in a child of this process, which must have no other threads, and passes its error on. A child that dies
// is an error that names `what` and the signal.
Expected<> runInChild(const std::string &what, const std::function<Expected<>()> &work);

} // namespace quipu::tool
