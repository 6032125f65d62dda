# cmake -D PARTS=a.js;b.js -D OUT=adapter_source.c -P embed.cmake: the parts joined, as a C array.
set(TEXT "")
foreach(part ${PARTS})
    file(READ ${part} HEX_PART HEX)
    string(APPEND TEXT ${HEX_PART})
endforeach()
string(REGEX REPLACE "(..)" "0x\\1," BYTES "${TEXT}")
string(REGEX REPLACE "(................................................................................)"
    "\\1\n" BYTES "${BYTES}")
file(WRITE ${OUT}.new "#include \"wa_js.h\"\nconst unsigned char adapter_source[] = {\n${BYTES}};\n\
const size_t adapter_source_len = sizeof adapter_source;\n")
file(COPY_FILE ${OUT}.new ${OUT} ONLY_IF_DIFFERENT)
file(REMOVE ${OUT}.new)
