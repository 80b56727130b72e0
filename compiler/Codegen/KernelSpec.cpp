#include "compiler/Codegen/KernelSpec.h"

namespace quipu {

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

ParamReader::ParamReader(const KernelSpec &spec) : spec(spec), signature(findSignature(spec.generator)) {
  std::string wrong = signature ? findParamError(*signature, spec.params) : "there is no such generator";
  if (!wrong.empty())
    fail(wrong);
}

template <typename T> const T *ParamReader::find(const std::string &name) {
  known.insert(name);
  if (!signature)
    return nullptr;
  const ParamSignature &param = signature->param(name);
  auto entry = spec.params.find(name);
  if (entry != spec.params.end())
    return std::get_if<T>(&entry->second);
  return param.fallback ? std::get_if<T>(&*param.fallback) : nullptr;
}

int64_t ParamReader::integer(const std::string &name) {
  const int64_t *value = find<int64_t>(name);
  // Generators divide by it before they ask for errors.
  int64_t least = signature ? signature->param(name).least : 1;
  return value && *value >= least && *value <= signature->param(name).most ? *value : least;
}

int64_t ParamReader::integerOr(const std::string &name, int64_t fallback) {
  const int64_t *value = find<int64_t>(name);
  return value ? *value : fallback;
}

double ParamReader::real(const std::string &name) {
  const double *value = find<double>(name);
  return value ? *value : 0;
}

bool ParamReader::flag(const std::string &name) {
  const bool *value = find<bool>(name);
  return value && *value;
}

std::string ParamReader::text(const std::string &name) {
  const std::string *value = find<std::string>(name);
  return value ? *value : std::string();
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
