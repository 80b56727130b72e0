// Temporary folders do not stay behind where a signal ends the program (Ctrl-C, kill, a closed terminal).
#pragma once

#include <cstddef>
#include <string>

namespace quipu {

// From now until forgetFolder a signal that ends the program removes this folder and the files in it first. Returns a
// number for forgetFolder; 0 where there is no room to remember the folder, which then stays.
size_t removeFolderOnSignal(const std::string &folder);
void forgetFolder(size_t number);

} // namespace quipu
