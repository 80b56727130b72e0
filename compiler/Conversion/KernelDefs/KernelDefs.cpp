#include "compiler/Conversion/KernelDefs/KernelDefs.h"

using namespace mlir;

namespace quipu {

Expected<KernelSpec> specOf(kernel::DefOp def) {
  KernelSpec spec{def.getSymName().str(), def.getGenerator().str(), {}};
  for (NamedAttribute param : def.getParams()) {
    ParamValue &value = spec.params[param.getName().str()];
    if (auto flag = dyn_cast<BoolAttr>(param.getValue()))
      value = flag.getValue();
    else if (auto integer = dyn_cast<IntegerAttr>(param.getValue()))
      value = integer.getInt();
    else if (auto real = dyn_cast<FloatAttr>(param.getValue()))
      value = real.getValueAsDouble();
    else if (auto text = dyn_cast<StringAttr>(param.getValue()))
      value = text.str();
    else
      return makeError("kernel @{}: parameter '{}' is no bool, integer, number or string", spec.symbol,
                       param.getName().str());
  }
  return spec;
}

DictionaryAttr attributesOf(Builder builder, const KernelParams &params) {
  SmallVector<NamedAttribute> attributes;
  for (const auto &[name, param] : params) {
    Attribute value;
    if (auto *flag = std::get_if<bool>(&param))
      value = builder.getBoolAttr(*flag);
    else if (auto *integer = std::get_if<int64_t>(&param))
      value = builder.getI64IntegerAttr(*integer);
    else if (auto *real = std::get_if<double>(&param))
      value = builder.getF64FloatAttr(*real);
    else
      value = builder.getStringAttr(std::get<std::string>(param));
    attributes.push_back(builder.getNamedAttr(name, value));
  }
  return builder.getDictionaryAttr(attributes);
}

} // namespace quipu
