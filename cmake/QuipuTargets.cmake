# Flags and helper functions shared by every target of the project.

add_library(quipu_flags INTERFACE)
target_include_directories(quipu_flags INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR} ${CMAKE_SOURCE_DIR}/runtime/include)
target_compile_options(quipu_flags INTERFACE -Wall -Wextra -Wno-unused-parameter)
if(QUIPU_SANITIZE)
  target_compile_options(quipu_flags INTERFACE -fsanitize=${QUIPU_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(quipu_flags INTERFACE -fsanitize=${QUIPU_SANITIZE})
endif()

# quipu_library(NAME SOURCES... [LINK LIBS...]): a static, position independent part of the program.
function(quipu_library name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC quipu_flags ${ARG_LINK})
endfunction()

# quipu_unit_test(NAME SOURCES... [LINK LIBS...]): a GoogleTest program, registered with ctest under its own name.
function(quipu_unit_test name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE quipu_flags ${ARG_LINK} GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
endfunction()

# quipu_fuzzer(NAME SOURCES... [LINK LIBS...]): a libFuzzer program under bin/; the code under test is built with the same sanitizers.
function(quipu_fuzzer name)
  if(NOT QUIPU_BUILD_FUZZERS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_compile_options(${name} PRIVATE -fsanitize=fuzzer)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(${name} PRIVATE quipu_flags ${ARG_LINK})
endfunction()
