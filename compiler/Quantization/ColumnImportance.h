// What each column of a matrix counts when it is rounded to a storage format.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace quipu::quantization {

// By the name of the checkpoint's tensor, a value for each column: the mean square of the activation that it
// multiplies, so that what is minimised is the error of the product and not that of the weight. Tensors that are not
// there count all columns alike.
using ColumnImportance = std::map<std::string, std::vector<float>>;

} // namespace quipu::quantization
