// Functions of a vendor's library that hand over to the fake device.
#pragma once

#include "test/runtime/Device/Fake/FakeGpu.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#define FAKE_EXPORT __attribute__((visibility("default")))
// int symbol(parameters): the device's method with these arguments.
#define FAKE(symbol, method, parameters, arguments)                                                                    \
  FAKE_EXPORT int symbol parameters {                                                                                  \
    return Gpu::get().call(#symbol, true, [&] { return Gpu::get().method arguments; });                                \
  }
// The same with a body, for what may be called before there is a context.
#define FAKE_BODY(symbol, parameters, ...)                                                                             \
  FAKE_EXPORT int symbol parameters { return Gpu::get().call(#symbol, false, [&]()->int __VA_ARGS__); }
