# Writes OUTPUT: the files in HEADERS as string literals, and a digest of them all.
set(entries "")
set(digests "")
foreach(header ${HEADERS})
  file(SHA256 ${header} digest)
  string(APPEND digests ${digest})
  get_filename_component(name ${header} NAME)
  file(READ ${header} text)
  string(APPEND entries "    {\"${name}\", R\"quipu(${text})quipu\"},\n")
endforeach()
string(SHA256 digest "${digests}")
file(WRITE ${OUTPUT} "static constexpr const char *deviceHeadersSha256 = \"${digest}\";
static constexpr struct {
  std::string_view name, text;
} deviceHeaders[] = {
${entries}};
")
