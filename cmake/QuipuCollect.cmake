# A list of what the files of one folder hold, written by CMake, so that adding a file is all that adding an entry takes.

# quipu_collect(SOURCES FOLDER HEADER TYPE SUFFIX): sets SOURCES to the .cpp files of FOLDER and a generated one. Each
# FOLDER/Name.cpp defines `void quipu::addName<SUFFIX>(TYPE &)`; the generated file defines `void quipu::addAll<SUFFIX>(TYPE &)`,
# which calls them in order of name. HEADER declares TYPE and addAll<SUFFIX>.
function(quipu_collect sources folder header type suffix)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.cpp)
  list(SORT files)
  set(declarations "")
  set(calls "")
  foreach(file ${files})
    get_filename_component(name ${file} NAME_WE)
    string(APPEND declarations "void add${name}${suffix}(${type} &);\n")
    string(APPEND calls "  add${name}${suffix}(all);\n")
  endforeach()
  set(list ${CMAKE_CURRENT_BINARY_DIR}/All${suffix}.cpp)
  file(CONFIGURE OUTPUT ${list} @ONLY CONTENT
    "#include \"${header}\"\n\nnamespace quipu {\n\n${declarations}\nvoid addAll${suffix}(${type} &all) {\n${calls}}\n\n} // namespace quipu\n")
  set(${sources} ${files} ${list} PARENT_SCOPE)
endfunction()
