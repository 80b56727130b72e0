#include "compiler/Codegen/KernelSpec.h"

namespace quipu {
namespace {

std::string printValue(const ParamValue &value) {
  if (auto *flag = std::get_if<bool>(&value))
    return *flag ? "true" : "false";
  if (auto *integer = std::get_if<int64_t>(&value))
    return fmt::format("{}", *integer);
  if (auto *real = std::get_if<double>(&value))
    return fmt::format("{:a}", *real); // exact: the text decides which kernels are the same
  return fmt::format("\"{}\"", std::get<std::string>(value));
}

} // namespace

std::string KernelSpec::print() const {
  std::string text = generator + " {";
  for (const auto &[name, value] : params)
    text += (text.back() == '{' ? "" : ", ") + name + " = " + printValue(value);
  return text + "}";
}

void ParamReader::fail(const std::string &message) {
  if (error.empty())
    error = fmt::format("kernel @{} ({}): {}", spec.symbol, spec.generator, message);
}

void ParamReader::require(bool condition, const std::string &message) {
  if (!condition)
    fail(message);
}

template <typename T> const T *ParamReader::find(const std::string &name, const char *kind) {
  known.insert(name);
  auto entry = spec.params.find(name);
  if (entry == spec.params.end())
    return nullptr;
  auto *value = std::get_if<T>(&entry->second);
  if (!value)
    fail(fmt::format("expected parameter \"{}\" to be {}, got {}", name, kind, printValue(entry->second)));
  return value;
}

int64_t ParamReader::integer(const std::string &name, int64_t least) {
  const int64_t *value = find<int64_t>(name, "an integer");
  if (!value) {
    fail(fmt::format("expected parameter \"{}\"", name));
    return least;
  }
  if (*value < least || *value > (int64_t(1) << 31)) {
    fail(fmt::format("expected parameter \"{}\" between {} and 2^31, got {}", name, least, *value));
    return least; // generators divide by it before they ask for errors
  }
  return *value;
}

int64_t ParamReader::integerOr(const std::string &name, int64_t fallback) {
  const int64_t *value = find<int64_t>(name, "an integer");
  return value ? *value : fallback;
}

double ParamReader::real(const std::string &name) {
  const double *value = find<double>(name, "a real number");
  if (!value)
    fail(fmt::format("expected parameter \"{}\"", name));
  return value ? *value : 0;
}

bool ParamReader::flag(const std::string &name) {
  const bool *value = find<bool>(name, "true or false");
  return value && *value;
}

std::string ParamReader::text(const std::string &name) {
  const std::string *value = find<std::string>(name, "a string");
  if (!value)
    fail(fmt::format("expected parameter \"{}\"", name));
  return value ? *value : std::string();
}

std::string ParamReader::textOr(const std::string &name, const std::string &fallback) {
  const std::string *value = find<std::string>(name, "a string");
  return value ? *value : fallback;
}

StorageFormat ParamReader::format(const std::string &name) {
  std::string value = text(name);
  const StorageFormat *format = findStorageFormat(value);
  if (!format)
    fail(fmt::format("expected \"{}\" to be a storage format, got \"{}\"", name, value));
  return format ? *format : storageFormats.front();
}

Expected<> ParamReader::finish() const {
  if (!error.empty())
    return tl::unexpected<Error>(Error{error});
  for (const auto &[name, value] : spec.params)
    if (!known.count(name))
      return makeError("kernel @{} ({}): unknown parameter \"{}\"", spec.symbol, spec.generator, name);
  return {};
}

} // namespace quipu
