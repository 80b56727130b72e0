# MLIR and LLVM, and the one way to make a library that uses them. They are linked as the shared libraries libMLIR and
# libLLVM, through the target quipu_mlir; static MLIR libraries beside them would register everything twice.
find_package(MLIR REQUIRED CONFIG)
list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
include(TableGen)
include(AddLLVM)
include(AddMLIR)

add_library(quipu_mlir INTERFACE)
target_include_directories(quipu_mlir SYSTEM INTERFACE ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
target_compile_options(quipu_mlir INTERFACE -fno-rtti)
target_link_libraries(quipu_mlir INTERFACE MLIR LLVM)

# quipu_mlir_library(NAME SOURCES... [LINK LIBS...] [DEPENDS TABLEGEN TARGETS...])
# Libraries that link NAME wait for its TableGen targets too.
function(quipu_mlir_library name)
  cmake_parse_arguments(ARG "" "" "LINK;DEPENDS" ${ARGN})
  quipu_library(${name} ${ARG_UNPARSED_ARGUMENTS} LINK quipu_mlir ${ARG_LINK})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()
