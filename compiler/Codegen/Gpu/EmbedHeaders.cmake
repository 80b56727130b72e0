# Writes OUTPUT: the files in HEADERS as string literals, named by their path in the folder ROOT; those outside by their
# name alone.
set(entries "")
foreach(header ${HEADERS})
  file(RELATIVE_PATH name ${ROOT} ${header})
  if(name MATCHES "^\\.\\./")
    get_filename_component(name ${header} NAME)
  endif()
  file(READ ${header} text)
  string(APPEND entries "    {\"${name}\", R\"quipu(${text})quipu\"},\n")
endforeach()
file(WRITE ${OUTPUT} "static constexpr struct {
  std::string_view name, text;
} deviceHeaders[] = {
${entries}};
")
