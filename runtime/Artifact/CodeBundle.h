// The code section of a GPU target: the images of its kernels, found by the kernel's symbol.
//
//   header    magic, counts, size of it all
//   kernels   one entry each, in ascending order of their symbols
//   images    place and size of each
//   symbols   the bytes of all symbols
//   images' bytes, each at a multiple of 16; the bytes between are zero
//
// An image is what the device's driver loads (a cubin, a code object; for Simt a shared object of the host) or text
// that the driver compiles for chips made later (PTX). Kernels may share an image. Everything is little endian.
#pragma once

#include "runtime/Support/Error.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quipu {

enum class ImageKind : uint32_t {
  Native = 0,   // for the target's own chip
  Portable = 1, // PTX, for that chip and later ones; without a zero at its end
};

// A kernel to write. Either image may be empty, not both.
struct BundledKernel {
  std::string symbol;
  std::string native;
  std::string portable;
};

// Equal images are stored once; the order of the kernels does not change the bytes. Symbols are unique.
std::string writeCodeBundle(std::vector<BundledKernel> kernels);

// A checked view of a code section, which must outlive it.
class CodeBundle {
public:
  // Errors lack the file's name: the caller puts it in front.
  static Expected<CodeBundle> read(std::string_view section);

  // The image of a kernel; empty where there is none of that kind.
  std::string_view find(std::string_view symbol, ImageKind kind) const;

  struct Kernel {
    std::string_view symbol;
    std::string_view native, portable;
  };
  // In ascending order of the symbols.
  const std::vector<Kernel> &kernels() const { return entries; }

private:
  std::vector<Kernel> entries;
};

} // namespace quipu
