# cmake -D FROM=dashboard -D MODULES=node_modules -D EXAMPLES=docs/examples -D OUT=dir -P embed.cmake
# Makes OUT/page_assets.c, the table of pages.h: every file of the dashboard and the parts of npm
# that it uses, compressed. A file is served as /assets/<path>.<hash>.<ext>, for ever; modules still
# import each other by their plain names, which the import map in each HTML page translates. Nothing
# is rewritten but the places of the HTML pages that say @import_map@, @style@, @logo@,
# @module <path>@ and @preload <path>@.
set(WORK ${OUT}/assets)
file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
set(MAP "")   # "name": "served name" lines
set(TABLE "") # name|type|flags|file

function(type_of name out)
    if(name MATCHES "\\.js$")
        set(${out} "text/javascript~" PARENT_SCOPE)
    elseif(name MATCHES "\\.css$")
        set(${out} "text/css~" PARENT_SCOPE)
    elseif(name MATCHES "\\.json$")
        set(${out} "application/json" PARENT_SCOPE)
    elseif(name MATCHES "\\.svg$")
        set(${out} "image/svg+xml" PARENT_SCOPE)
    elseif(name MATCHES "^examples/")
        set(${out} "text/plain~" PARENT_SCOPE)
    else()
        set(${out} "text/html~" PARENT_SCOPE)
    endif()
endfunction()

# serve(<plain path below /assets/> <file> [import name]): under a name with its hash
macro(serve name file)
    file(SHA256 ${file} hash)
    string(SUBSTRING ${hash} 0 10 hash)
    string(REGEX REPLACE "(\\.[a-z]+)$" ".${hash}\\1" hashed ${name})
    type_of(${name} type)
    list(APPEND TABLE "/assets/${hashed}|${type}|PAGE_FOR_EVER|${file}")
    string(APPEND MAP "\"/assets/${name}\":\"/assets/${hashed}\",\n")
    foreach(import ${ARGN})
        string(APPEND MAP "\"${import}\":\"/assets/${hashed}\",\n")
    endforeach()
    set(HASHED_${name} /assets/${hashed})
endmacro()

# ---- what npm brings
serve(vendor/preact.js ${MODULES}/preact/dist/preact.mjs preact)
serve(vendor/hooks.js ${MODULES}/preact/hooks/dist/hooks.mjs preact/hooks)
serve(vendor/htm.js ${MODULES}/htm/dist/htm.module.js htm)
serve(vendor/htm-preact.js ${MODULES}/htm/preact/index.module.js htm/preact)
serve(vendor/signals-core.js ${MODULES}/@preact/signals-core/dist/signals-core.mjs @preact/signals-core)
serve(vendor/signals.js ${MODULES}/@preact/signals/dist/signals.mjs @preact/signals)
set(VIRTUAL ${MODULES}/@tanstack/virtual-core/dist/esm)
serve(vendor/virtual/index.js ${VIRTUAL}/index.js @tanstack/virtual-core)
foreach(part ios-gesture lazy-measurements scroll-classifier utils)
    serve(vendor/virtual/${part}.js ${VIRTUAL}/${part}.js)
endforeach()
# its module form is not minified
file(READ ${MODULES}/uplot/dist/uPlot.iife.min.js TEXT)
file(WRITE ${WORK}/uplot.js "${TEXT}\nexport default uPlot;\n")
serve(vendor/uplot.js ${WORK}/uplot.js uplot)

# ---- one sheet of icons, those that icons.txt names
file(STRINGS ${FROM}/icons.txt ICONS REGEX "^[a-z0-9-]+$")
set(SPRITE "<svg xmlns=\"http://www.w3.org/2000/svg\">\n")
foreach(icon ${ICONS})
    file(READ ${MODULES}/heroicons/24/outline/${icon}.svg TEXT)
    string(REGEX REPLACE "^<svg[^>]*>" "<symbol id=\"${icon}\" viewBox=\"0 0 24 24\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.5\">" TEXT "${TEXT}")
    string(REPLACE "</svg>" "</symbol>" TEXT "${TEXT}")
    string(APPEND SPRITE "${TEXT}")
endforeach()
file(WRITE ${WORK}/icons.svg "${SPRITE}</svg>\n")
serve(icons.svg ${WORK}/icons.svg)
serve(logo.svg ${FROM}/logo.svg)

# ---- one style sheet
file(GLOB SHEETS RELATIVE ${FROM}/style ${FROM}/style/*.css)
list(REMOVE_ITEM SHEETS tokens.css base.css)
list(SORT SHEETS)
file(WRITE ${WORK}/app.css "")
foreach(sheet tokens.css base.css ${SHEETS})
    file(READ ${FROM}/style/${sheet} TEXT)
    file(APPEND ${WORK}/app.css "${TEXT}")
endforeach()
file(READ ${MODULES}/uplot/dist/uPlot.min.css TEXT)
file(APPEND ${WORK}/app.css "${TEXT}\n")
serve(app.css ${WORK}/app.css)

# ---- our modules and catalogues
file(GLOB_RECURSE OURS RELATIVE ${FROM} ${FROM}/core/*.js ${FROM}/ui/*.js ${FROM}/pages/*.js
    ${FROM}/widget/*.js ${FROM}/text/*.json ${FROM}/main.js)
list(SORT OURS)
foreach(name ${OURS})
    if(name MATCHES "\\.json$") # a catalogue that no browser could read stops the build
        file(READ ${FROM}/${name} TEXT)
        string(JSON ignored ERROR_VARIABLE wrong LENGTH "${TEXT}")
        if(wrong)
            message(FATAL_ERROR "${name}: ${wrong}")
        endif()
    endif()
    serve(${name} ${FROM}/${name})
endforeach()

# ---- the examples of the documentation, as the page shows them
foreach(name receiver.c receiver.mjs receiver.php receiver.py)
    serve(examples/webhook/${name} ${EXAMPLES}/webhook/${name})
endforeach()

# ---- pages, and what keeps its name
string(REGEX REPLACE ",\n$" "\n" MAP "${MAP}")
set(MAP "{\"imports\":{\n${MAP}}}")
file(GLOB PAGES RELATIVE ${FROM} ${FROM}/*.html)
foreach(name ${PAGES})
    file(READ ${FROM}/${name} TEXT)
    string(REPLACE "@import_map@" "${MAP}" TEXT "${TEXT}")
    string(REPLACE "@style@" "${HASHED_app.css}" TEXT "${TEXT}")
    string(REPLACE "@logo@" "${HASHED_logo.svg}" TEXT "${TEXT}")
    string(REGEX MATCHALL "@preload [^@]*@" wanted "${TEXT}")
    foreach(one ${wanted})
        string(REGEX REPLACE "^@preload (.*)@$" "\\1" path "${one}")
        string(REPLACE "${one}" "<link rel=\"modulepreload\" href=\"${HASHED_${path}}\">" TEXT "${TEXT}")
    endforeach()
    string(REGEX MATCHALL "@module [^@]*@" wanted "${TEXT}")
    foreach(one ${wanted})
        string(REGEX REPLACE "^@module (.*)@$" "\\1" path "${one}")
        string(REPLACE "${one}" "${HASHED_${path}}" TEXT "${TEXT}")
    endforeach()
    file(WRITE ${WORK}/${name} "${TEXT}")
    list(APPEND TABLE "/${name}|text/html~|PAGE_HTML|${WORK}/${name}")
endforeach()
if(EXISTS ${FROM}/widget.js)
    list(APPEND TABLE "/widget.js|text/javascript~|PAGE_ANYWHERE|${FROM}/widget.js")
endif()

# ---- the table, sorted by name
list(SORT TABLE COMPARE STRING)
set(DATA "#include \"pages.h\"\n")
set(ROWS "")
set(n 0)
foreach(row ${TABLE})
    string(REPLACE "|" ";" row "${row}")
    list(GET row 0 name)
    list(GET row 1 type)
    string(REPLACE "~" "; charset=utf-8" type "${type}") # a semicolon would divide the list
    list(GET row 2 flags)
    list(GET row 3 file)
    file(SHA256 ${file} hash)
    string(SUBSTRING ${hash} 0 20 hash)
    file(SIZE ${file} size)
    execute_process(COMMAND gzip -9nc ${file} OUTPUT_FILE ${WORK}/one.gz COMMAND_ERROR_IS_FATAL ANY)
    file(READ ${WORK}/one.gz HEX HEX)
    string(REGEX REPLACE "(..)" "0x\\1," HEX "${HEX}")
    string(REGEX REPLACE "(................................................................................)"
        "\\1\n" HEX "${HEX}")
    string(APPEND DATA "static const unsigned char gz_${n}[] = {\n${HEX}};\n")
    string(APPEND ROWS "    {\"${name}\", \"${type}\", \"\\\"${hash}\\\"\", gz_${n}, sizeof gz_${n}, ${size}, ${flags}},\n")
    math(EXPR n "${n} + 1")
endforeach()
file(WRITE ${OUT}/page_assets.c "${DATA}const struct page_asset page_assets[] = {\n${ROWS}};\n\
const size_t page_asset_count = ${n};\n")
