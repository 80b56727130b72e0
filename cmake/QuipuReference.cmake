# The reference under docs/reference: dialects and passes from TableGen, pages that a program writes. The target quipu-reference generates it
# into the build folder, quipu-docs copies it into the tree, and tools/check compares the two.
add_custom_target(quipu-reference COMMENT "Reference pages")
add_custom_target(quipu-docs
  COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/docs/reference
  COMMAND ${CMAKE_COMMAND} -E copy_directory ${CMAKE_BINARY_DIR}/docs/reference ${CMAKE_SOURCE_DIR}/docs/reference
  COMMENT "Copying the reference into docs/reference")
add_dependencies(quipu-docs quipu-reference)
find_program(QUIPU_MLIR_TBLGEN mlir-tblgen REQUIRED)

# quipu_dialect_reference(DIALECT FILE.td): docs/reference/DIALECT.md from the file that holds or includes all its definitions.
function(quipu_dialect_reference dialect definitions)
  quipu_reference_page(${dialect} ${definitions} -gen-dialect-doc -dialect=${dialect})
endfunction()

# quipu_pass_reference(NAME FILE.td): docs/reference/NAME-passes.md.
function(quipu_pass_reference name definitions)
  quipu_reference_page(${name}-passes ${definitions} -gen-pass-doc)
endfunction()

function(quipu_reference_page name definitions)
  set(input ${CMAKE_CURRENT_SOURCE_DIR}/${definitions})
  set(page ${CMAKE_BINARY_DIR}/docs/reference/${name}.md)
  set(raw ${CMAKE_BINARY_DIR}/docs/${name}.raw)
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/docs/reference)
  file(GLOB_RECURSE definition_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/compiler/*.td)
  set(include_flags ${MLIR_INCLUDE_DIRS} ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  list(TRANSFORM include_flags PREPEND -I)
  # TableGen leaves blanks at line ends and a table-of-contents mark that only its own site understands.
  add_custom_command(OUTPUT ${page}
    COMMAND ${QUIPU_MLIR_TBLGEN} ${ARGN} ${include_flags} ${input} -o ${raw}
    COMMAND sed -e "s/[[:space:]]*$//" -e "/^\\[TOC\\]$/d" ${raw} > ${page}
    DEPENDS ${definition_files} VERBATIM)
  add_custom_target(quipu-reference-${name} DEPENDS ${page})
  add_dependencies(quipu-reference quipu-reference-${name})
endfunction()

# quipu_program_reference(NAME PROGRAM): docs/reference/NAME.md, which the target PROGRAM writes to the file it is given.
function(quipu_program_reference name program)
  set(page ${CMAKE_BINARY_DIR}/docs/reference/${name}.md)
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/docs/reference)
  add_custom_command(OUTPUT ${page} COMMAND ${program} ${page} DEPENDS ${program} VERBATIM)
  add_custom_target(quipu-reference-${name} DEPENDS ${page})
  add_dependencies(quipu-reference quipu-reference-${name})
endfunction()
