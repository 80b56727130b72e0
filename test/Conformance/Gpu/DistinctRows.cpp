#include "test/Conformance/Gpu/DistinctRows.h"

#include "compiler/Codegen/Gpu/Generate.h"
#include "compiler/Target/Clang/Clang.h"
#include "compiler/Target/CompileCache.h"

#include <fmt/ranges.h>
#include <set>

namespace quipu::gpu::conformance {
namespace {

// Stands in front of each row's source and goes through the preprocessor.
constexpr std::string_view separator = "#pragma quipu_row\n";

std::string print(const GridAxis &axis) { return fmt::format("{}/{}*{}", axis.dim, axis.divide, axis.times); }

std::string print(const Kernel &kernel) {
  const LaunchGeometry &launch = kernel.launch;
  return fmt::format("grid {} {} {} threads {} shared {} cluster {} scratch {}\n", print(launch.x), print(launch.y),
                     print(launch.z), launch.threads, launch.sharedBytes, launch.cluster, kernel.scratchBytes);
}

// A row's source, and what else its run depends on.
struct RowText {
  std::string conditions, source;
};

Expected<std::vector<RowText>> rowTexts(const Chip &chip) {
  std::vector<RowText> texts;
  for (const KernelRow &row : kernelTable(chip)) {
    RowText &text = texts.emplace_back();
    text.conditions = fmt::format("{} tolerance {} sizes {}\n", row.name, row.tolerance, fmt::join(row.sizes, " "));
    for (KernelSpec spec : row.stages) {
      spec.symbol = "kernel";
      auto kernel = generate(spec, chip);
      if (!kernel)
        return makeError("{}, row {}: {}", chip.name, row.name, kernel.error().message);
      text.conditions += print(*kernel);
      text.source += kernel->source;
    }
  }
  return texts;
}

// The sources as the host's compiler sees them; all in one run of it, which takes a quarter of a second.
Expected<> preprocess(std::vector<RowText> &texts, const Clang &clang, const CompileCache &cache) {
  std::string all;
  for (const RowText &text : texts)
    all.append(separator).append(text.source);
  std::string key = CompileCache::key(clang.version() + all);
  std::optional<std::string> made = cache.find(key);
  if (!made) {
    auto ran = clang.compile("kernels", "c++", all, {"-E", "-P", "-std=c++17", "-march=x86-64-v3", "-DQUIPU_SIMT=1"});
    if (!ran)
      return passError(std::move(ran));
    made = std::move(*ran);
    cache.put(key, *made);
  }
  std::string_view rest = *made;
  for (RowText &text : texts) {
    size_t begin = rest.find(separator);
    if (begin == std::string_view::npos)
      return makeError("{} has lost the end of a row", clang.path());
    rest.remove_prefix(begin + separator.size());
    text.source = rest.substr(0, rest.find(separator));
  }
  return {};
}

} // namespace

Expected<std::vector<ChipRow>> distinctRows(const std::vector<std::string> &chips) {
  Expected<Clang> clang = Clang::find();
  if (!clang)
    return passError(std::move(clang));
  CompileCache cache(CompileCache::defaultFolder(), "preprocessed-kernels");
  std::vector<ChipRow> rows;
  std::set<std::string> seen;
  for (const std::string &chip : chips) {
    auto texts = rowTexts(chipNamed(chip));
    if (!texts)
      return passError(std::move(texts));
    if (auto done = preprocess(*texts, *clang, cache); !done)
      return passError(std::move(done));
    for (size_t i = 0; i < texts->size(); ++i)
      if (seen.insert(CompileCache::key((*texts)[i].conditions + (*texts)[i].source)).second)
        rows.push_back({chip, i});
  }
  return rows;
}

} // namespace quipu::gpu::conformance
