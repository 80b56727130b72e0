# Writes OUTPUT: one constant, the digest of the files in SOURCES.
set(digests "")
foreach(source ${SOURCES})
  file(SHA256 ${source} digest)
  string(APPEND digests ${digest})
endforeach()
string(SHA256 digest "${digests}")
file(WRITE ${OUTPUT} "static constexpr const char *codegenVersion = \"${digest}\";\n")
