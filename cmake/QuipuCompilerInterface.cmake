# What `quipu` and libquipu_compiler.so must have the same of before they call each other: the version, and the C++ types
# of CompilerApi.h, by a digest of the files that declare them.
set(QUIPU_COMPILER_INTERFACE ${PROJECT_VERSION})
foreach(header compiler/Api/CompilerApi.h runtime/Artifact/Format.h runtime/Support/Error.h)
  set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${header})
  file(MD5 ${CMAKE_SOURCE_DIR}/${header} digest)
  string(SUBSTRING ${digest} 0 6 digest)
  string(APPEND QUIPU_COMPILER_INTERFACE -${digest})
endforeach()
