#include "models/Family.h"

#include "models/config/ConfigReader.h"
#include "models/config/JsonFile.h"
#include "models/config/ModelConfig.h"

namespace quipu::models {

#define FAMILY(name)                                                                                                   \
  namespace name {                                                                                                     \
  const Family &family();                                                                                              \
  }
#include "models/Families.def"

std::vector<const Family *> families() {
  return {
#define FAMILY(name) &name::family(),
#include "models/Families.def"
  };
}

const std::vector<RefusedArchitecture> &refusedArchitectures() {
  static const std::vector<RefusedArchitecture> refused = {
#define REFUSED(className, modelType, reason) {{className, modelType}, reason},
#include "models/Refused.def"
  };
  return refused;
}

const Family *findWrapper(const nlohmann::json &values) {
  auto list = values.find("architectures");
  if (list == values.end() || !list->is_array() || list->empty() || !list->front().is_string())
    return nullptr;
  for (const Family *family : families())
    for (const Architecture &wrapper : family->wrappers)
      if (list->front() == wrapper.className)
        return family;
  return nullptr;
}

namespace {

std::string knownArchitectures() {
  std::string known;
  for (const Family *family : families())
    for (const Architecture &architecture : family->architectures)
      known += (known.empty() ? "" : ", ") + std::string(architecture.className);
  return known;
}

std::string firstArchitecture(ConfigReader &reader, const ModelConfig &config) {
  auto list = config.values.find("architectures");
  if (list == config.values.end() || list->is_null() || (list->is_array() && list->empty()))
    return "";
  if (!list->is_array() || !list->front().is_string()) {
    reader.fail("architectures", fmt::format("is {}; expected a list of names", shown(*list)));
    return "";
  }
  return list->front().get<std::string>();
}

} // namespace

Expected<FamilyMatch> findFamily(const ModelConfig &config) {
  ConfigReader reader(config.values, config.path);
  std::string className = firstArchitecture(reader, config);
  std::string modelType = reader.stringOr("model_type", "");
  if (className.empty() && modelType.empty())
    reader.fail("architectures", "is missing, and so is model_type; expected a list of one name");
  if (auto failure = reader.error())
    return tl::unexpected<Error>(*failure);

  for (const RefusedArchitecture &refused : refusedArchitectures())
    if (refused.architecture.modelType == modelType &&
        (className.empty() || className == refused.architecture.className))
      return makeError("{}: {} ({}) is not supported: {}", config.path, refused.architecture.className, modelType,
                       refused.reason);
  for (const Family *family : families())
    for (const Architecture &architecture : family->architectures) {
      if (className.empty() ? architecture.modelType != modelType : architecture.className != className)
        continue;
      // transformers goes by model_type alone; two that disagree are two different models.
      if (!modelType.empty() && architecture.modelType != modelType)
        return makeError("{}: architectures names {}, but model_type is {}; expected '{}'", config.path, className,
                         inQuotes(modelType), architecture.modelType);
      return FamilyMatch{family, architecture};
    }
  return makeError("{}: unknown architecture {}; known: {}", config.path,
                   className.empty() ? inQuotes(modelType) + " (model_type)" : inQuotes(className),
                   knownArchitectures());
}

Expected<ModelDescription> describeModel(const ModelConfig &config) {
  auto match = findFamily(config);
  if (!match)
    return passError(std::move(match));
  return match->family->describe(config);
}

Expected<ModelDescription> checkModel(const Checkpoint &checkpoint) {
  auto description = describeModel(checkpoint.config());
  if (!description)
    return description;
  std::vector<std::string> &warnings = description->warnings;
  warnings.insert(warnings.begin(), checkpoint.warnings().begin(), checkpoint.warnings().end());
  auto checked = checkTensors(checkpoint, description->tensors, description->ignoredTensors, warnings);
  if (!checked)
    return passError(std::move(checked));
  return description;
}

} // namespace quipu::models
