// Instruction set extensions by the names LLVM gives them ("avx512bf16"). An artifact's target lists those it needs;
// the compiler leaves out what is not known here, so the loader understands every name it meets.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace quipu::cpu {

// Every name that detection knows.
std::vector<std::string_view> knownFeatures();
// What this CPU has and this operating system lets it use.
std::set<std::string> detectFeatures();

} // namespace quipu::cpu
