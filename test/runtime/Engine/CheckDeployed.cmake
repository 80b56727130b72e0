# Checks the shared library LIBRARY as it is deployed; NM and STRIP are the tools, WORK a folder to write to.
set(stripped ${WORK}/libquipu.stripped.so)
execute_process(COMMAND ${STRIP} -o ${stripped} ${LIBRARY} COMMAND_ERROR_IS_FATAL ANY)
file(SIZE ${stripped} bytes)
if(bytes GREATER 2000000)
  message(FATAL_ERROR "libquipu.so has ${bytes} bytes stripped, more than 2 MB")
endif()

execute_process(COMMAND ${NM} -D --defined-only ${stripped} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
string(REGEX REPLACE "\n$" "" symbols "${symbols}")
string(REPLACE "\n" ";" symbols "${symbols}")
foreach(symbol ${symbols})
  if(NOT symbol MATCHES " T quipu_[a-z_]+$")
    message(FATAL_ERROR "libquipu.so exports what is not in quipu.h: ${symbol}")
  endif()
endforeach()

file(GET_RUNTIME_DEPENDENCIES LIBRARIES ${stripped} RESOLVED_DEPENDENCIES_VAR found
     UNRESOLVED_DEPENDENCIES_VAR missing)
if("${found};${missing}" MATCHES "LLVM|MLIR|libcuda|libamdhip")
  message(FATAL_ERROR "libquipu.so needs ${found};${missing}")
endif()
