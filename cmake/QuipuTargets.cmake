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

add_custom_target(quipu-tests COMMENT "All test programs")
add_custom_target(quipu-fuzzers COMMENT "All libFuzzer programs")

# Seconds. Slow tests compile thousands of kernels where no cache holds them yet, on machines that do other work as well.
set(quipu_slow_timeout 2700)

# quipu_unit_test(NAME SOURCES... [LINK LIBS...] [SLOW]): a GoogleTest program, registered with ctest under its own
# name and built by the target quipu-tests. SLOW leaves it out of `tools/check --fast`. Each run leaves its results in
# test-results/NAME.json, from which tools/check counts the test cases.
function(quipu_unit_test name)
  cmake_parse_arguments(ARG "SLOW" "" "LINK" ${ARGN})
  add_executable(${name} EXCLUDE_FROM_ALL ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE quipu_flags ${ARG_LINK} GTest::gtest_main)
  add_dependencies(quipu-tests ${name})
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES
    ENVIRONMENT "GTEST_OUTPUT=json:${CMAKE_BINARY_DIR}/test-results/${name}.json"
    TIMEOUT 600)
  if(ARG_SLOW)
    set_tests_properties(${name} PROPERTIES LABELS slow TIMEOUT ${quipu_slow_timeout})
  endif()
endfunction()

# quipu_command_test(NAME PROGRAM.py [SLOW]): a Python program (standard library only) that runs the command `quipu`, as
# test/EndToEnd/case_runner.py has it. Its cases are counted like those of a GoogleTest program.
function(quipu_command_test name program)
  cmake_parse_arguments(ARG "SLOW" "" "" ${ARGN})
  add_dependencies(quipu-tests quipu quipu_compiler)
  add_test(NAME ${name}
    COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_SOURCE_DIR}/${program} --quipu $<TARGET_FILE:quipu>
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES
    ENVIRONMENT "GTEST_OUTPUT=json:${CMAKE_BINARY_DIR}/test-results/${name}.json;QUIPU_CACHE_DIR=${CMAKE_BINARY_DIR}/test-cache"
    TIMEOUT 600)
  if(ARG_SLOW)
    set_tests_properties(${name} PROPERTIES LABELS slow TIMEOUT ${quipu_slow_timeout})
  endif()
endfunction()

# quipu_fuzzer(NAME SOURCES... [LINK LIBS...] [CORPUS FOLDERS...]): a libFuzzer program under bin/, built by the target
# quipu-fuzzers; the code under test is built with the same sanitizers. CORPUS names folders of seed inputs.
# fuzzers.txt in the build folder lists the programs and their seeds for tools/check.
file(WRITE ${CMAKE_BINARY_DIR}/fuzzers.txt "")
function(quipu_fuzzer name)
  if(NOT QUIPU_BUILD_FUZZERS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "LINK;CORPUS" ${ARGN})
  add_executable(${name} EXCLUDE_FROM_ALL ${ARG_UNPARSED_ARGUMENTS})
  target_compile_options(${name} PRIVATE -fsanitize=fuzzer)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(${name} PRIVATE quipu_flags ${ARG_LINK})
  add_dependencies(quipu-fuzzers ${name})
  list(TRANSFORM ARG_CORPUS PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  list(JOIN ARG_CORPUS " " corpus)
  file(APPEND ${CMAKE_BINARY_DIR}/fuzzers.txt "${name} ${corpus}\n")
endfunction()
