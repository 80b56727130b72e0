// A device that computes nothing and does all the bookkeeping: it allocates what is planned, walks the launches, and
// gives zeros for logits. It shows what the engine costs by itself, and it is the one to copy to start a backend.
#pragma once

#include "runtime/Device/Device.h"

namespace quipu {

Expected<std::unique_ptr<Device>> openNullDevice();

} // namespace quipu
