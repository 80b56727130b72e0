#include "runtime/Artifact/CodeBundle.h"

#include "runtime/Support/Rounding.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

namespace quipu {

namespace {

constexpr std::array<char, 8> bundleMagic = {'Q', 'U', 'I', 'P', 'U', 'G', 'P', 'U'};
constexpr uint64_t imageAlignment = 16;
constexpr uint32_t noImage = UINT32_MAX;

struct BundleHeader {
  std::array<char, 8> magic;
  uint32_t kernelCount;
  uint32_t imageCount;
  uint64_t bytes; // of the whole bundle
};
static_assert(sizeof(BundleHeader) == 24);

struct KernelEntry {
  uint32_t symbolOffset; // in the symbols
  uint32_t symbolBytes;
  uint32_t native; // index of an image, or noImage
  uint32_t portable;
};
static_assert(sizeof(KernelEntry) == 16);

struct ImageEntry {
  uint64_t offset; // in the bundle
  uint64_t bytes;
};
static_assert(sizeof(ImageEntry) == 16);

// Copies an entry out of the section, whose bytes have no alignment.
template <typename T> T entryAt(std::string_view section, uint64_t offset) {
  T entry;
  std::memcpy(&entry, section.data() + offset, sizeof(T));
  return entry;
}

template <typename T> void append(std::string &bytes, const T &entry) {
  bytes.append(reinterpret_cast<const char *>(&entry), sizeof(T));
}

} // namespace

std::string writeCodeBundle(std::vector<BundledKernel> kernels) {
  std::sort(kernels.begin(), kernels.end(), [](const auto &a, const auto &b) { return a.symbol < b.symbol; });
  std::vector<std::string_view> images;
  std::map<std::string_view, uint32_t> imageIndex;
  auto indexOf = [&](const std::string &image) {
    if (image.empty())
      return noImage;
    auto [found, added] = imageIndex.try_emplace(image, static_cast<uint32_t>(images.size()));
    if (added)
      images.push_back(image);
    return found->second;
  };
  std::string symbols, entries;
  for (const BundledKernel &kernel : kernels) {
    append(entries, KernelEntry{static_cast<uint32_t>(symbols.size()), static_cast<uint32_t>(kernel.symbol.size()),
                                indexOf(kernel.native), indexOf(kernel.portable)});
    symbols += kernel.symbol;
  }
  uint64_t end = sizeof(BundleHeader) + entries.size() + images.size() * sizeof(ImageEntry) + symbols.size();
  std::string places;
  for (std::string_view image : images) {
    append(places, ImageEntry{roundUp(end, imageAlignment), image.size()});
    end = roundUp(end, imageAlignment) + image.size();
  }
  std::string bundle;
  bundle.reserve(end);
  append(bundle,
         BundleHeader{bundleMagic, static_cast<uint32_t>(kernels.size()), static_cast<uint32_t>(images.size()), end});
  bundle += entries + places + symbols;
  for (std::string_view image : images) {
    bundle.resize(roundUp(bundle.size(), imageAlignment));
    bundle += image;
  }
  return bundle;
}

Expected<CodeBundle> CodeBundle::read(std::string_view section) {
  if (section.size() < sizeof(BundleHeader))
    return makeError("its code has {} bytes, which is no bundle of kernels", section.size());
  auto header = entryAt<BundleHeader>(section, 0);
  if (header.magic != bundleMagic)
    return makeError("its code is no bundle of kernels");
  uint64_t imagesAt = sizeof(BundleHeader) + uint64_t(header.kernelCount) * sizeof(KernelEntry);
  uint64_t symbolsAt = imagesAt + uint64_t(header.imageCount) * sizeof(ImageEntry);
  if (header.bytes != section.size() || symbolsAt > section.size())
    return makeError("its code has {} bytes, but says {} with {} kernels", section.size(), header.bytes,
                     header.kernelCount);

  std::vector<std::string_view> images;
  for (uint32_t i = 0; i < header.imageCount; ++i) {
    auto image = entryAt<ImageEntry>(section, imagesAt + i * sizeof(ImageEntry));
    if (image.offset % imageAlignment != 0 || image.offset < symbolsAt || image.offset > section.size() ||
        image.bytes == 0 || image.bytes > section.size() - image.offset)
      return makeError("image {} of its code lies outside of it", i);
    images.push_back(section.substr(image.offset, image.bytes));
  }
  std::string_view symbols = section.substr(symbolsAt);
  CodeBundle bundle;
  for (uint32_t i = 0; i < header.kernelCount; ++i) {
    auto kernel = entryAt<KernelEntry>(section, sizeof(BundleHeader) + i * sizeof(KernelEntry));
    if (kernel.symbolOffset > symbols.size() || kernel.symbolBytes > symbols.size() - kernel.symbolOffset)
      return makeError("the symbol of kernel {} lies outside of its code", i);
    std::string_view symbol = symbols.substr(kernel.symbolOffset, kernel.symbolBytes);
    if (i > 0 && symbol <= bundle.entries.back().symbol)
      return makeError("the kernels of its code are not in order");
    std::array<std::string_view, 2> found;
    for (auto [index, which] : {std::pair(kernel.native, 0), std::pair(kernel.portable, 1)}) {
      if (index == noImage)
        continue;
      if (index >= images.size())
        return makeError("kernel {} of its code has image {}, there are {}", i, index, images.size());
      found[which] = images[index];
    }
    if (found[0].empty() && found[1].empty())
      return makeError("kernel {} of its code has no image", i);
    bundle.entries.push_back({symbol, found[0], found[1]});
  }
  return bundle;
}

std::string_view CodeBundle::find(std::string_view symbol, ImageKind kind) const {
  auto found = std::lower_bound(entries.begin(), entries.end(), symbol,
                                [](const Kernel &kernel, std::string_view name) { return kernel.symbol < name; });
  if (found == entries.end() || found->symbol != symbol)
    return {};
  return kind == ImageKind::Native ? found->native : found->portable;
}

} // namespace quipu
