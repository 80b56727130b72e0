#include "compiler/Dialect/LM/Transforms/StoragePolicy.h"

namespace quipu::lm {

constexpr double leastBitsOfTables = 6;
// What "4bit" stands for: of the formats of at most 4.6 bits the one of least KL divergence (docs/performance.md).
constexpr fb::DType fourBits = fb::DType::iq4_nl;

static Expected<const StorageFormat *> parseFormat(llvm::StringRef name) {
  if (const StorageFormat *format = findStorageFormat(std::string_view(name)))
    return format;
  if (name == "4bit")
    return findStorageFormat(fourBits);
  std::string known = "4bit";
  for (const StorageFormat &format : storageFormats)
    known += ", " + std::string(format.name);
  return makeError("there is no storage format '{}'; they are {}", name.str(), known);
}

Expected<StoragePolicy> StoragePolicy::create(llvm::StringRef storage, llvm::ArrayRef<std::string> rules) {
  StoragePolicy policy;
  if (!storage.empty()) {
    auto format = parseFormat(storage);
    if (!format)
      return passError(std::move(format));
    policy.storage = *format;
  }
  for (const std::string &text : rules) {
    auto [pattern, name] = llvm::StringRef(text).rsplit('=');
    if (pattern.empty() || name.empty())
      return makeError("'{}': expected PATTERN=FORMAT, such as *.down_proj.weight=q8_0", text);
    auto format = parseFormat(name);
    if (!format)
      return makeError("'{}': {}", text, format.error().message);
    llvm::Expected<llvm::GlobPattern> glob = llvm::GlobPattern::create(pattern);
    if (!glob)
      return makeError("'{}': {}", text, llvm::toString(glob.takeError()));
    policy.rules.push_back({text, std::move(*glob), *format});
  }
  return policy;
}

const StorageFormat *StoragePolicy::formatOf(llvm::StringRef name, const StorageFormat *own, MatrixUse use) {
  const StorageFormat *first = nullptr;
  for (Rule &rule : rules)
    if (rule.pattern.match(name)) {
      (first ? rule.late : rule.used) = true;
      first = first ? first : rule.format;
    }
  if (first)
    return first;
  if (!storage)
    return own;
  if (use == MatrixUse::Router && storage->isBlocked())
    return own;
  if (use == MatrixUse::Table && storage->bitsPerElement() < leastBitsOfTables)
    return findStorageFormat(fb::DType::q8_0);
  return storage;
}

bool StoragePolicy::isAsked(llvm::StringRef name) const {
  return storage || llvm::any_of(rules, [&](const Rule &rule) { return rule.pattern.match(name); });
}

bool StoragePolicy::asksForBlocks() const {
  return (storage && storage->isBlocked()) ||
         llvm::any_of(rules, [](const Rule &rule) { return rule.format->isBlocked(); });
}

Expected<> StoragePolicy::checkRulesUsed(const std::string &matrices) const {
  for (const Rule &rule : rules)
    if (!rule.used)
      return makeError(
          "{}: {}", rule.text,
          rule.late ? std::string("patterns before it match all of its matrices, and the first that matches counts")
                    : "the model has no matrix of such a name; it has " + matrices);
  return {};
}

const StorageFormat &StoragePolicy::fitting(const StorageFormat &wanted, int64_t columns) {
  constexpr std::pair<fb::DType, fb::DType> smaller[] = {
      {fb::DType::q2_k, fb::DType::iq4_nl},      {fb::DType::q3_k, fb::DType::iq4_nl},
      {fb::DType::q4_k, fb::DType::iq4_nl},      {fb::DType::iq4_xs, fb::DType::iq4_nl},
      {fb::DType::q5_k, fb::DType::q5_1},        {fb::DType::q6_k, fb::DType::q8_0},
      {fb::DType::i8_g128, fb::DType::i8_g64},   {fb::DType::i8_g64, fb::DType::q8_0},
      {fb::DType::i4_g128, fb::DType::i4_g64},   {fb::DType::i4_g64, fb::DType::q4_0},
      {fb::DType::i8_g128z, fb::DType::i8_g64z}, {fb::DType::i8_g64z, fb::DType::i8_g32z},
      {fb::DType::i4_g128z, fb::DType::i4_g64z}, {fb::DType::i4_g64z, fb::DType::i4_g32z}};
  const StorageFormat *format = &wanted;
  while (!format->takesRow(uint64_t(columns))) {
    fb::DType next = fb::DType::bf16;
    for (auto [from, to] : smaller)
      if (from == format->dtype)
        next = to;
    format = findStorageFormat(next);
  }
  return *format;
}

} // namespace quipu::lm
