# One place for what every target of ours is compiled with.
set(WABRIDGE_WARNINGS
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wformat=2 -Wvla -Wundef
    -Wcast-qual -Wstrict-prototypes -Wmissing-prototypes -Wnull-dereference -Werror)

add_library(wabridge_options INTERFACE)
target_compile_definitions(wabridge_options INTERFACE _GNU_SOURCE WABRIDGE_VERSION="${PROJECT_VERSION}")
target_compile_options(wabridge_options INTERFACE ${WABRIDGE_WARNINGS} -fstack-protector-strong -fPIE)
target_link_options(wabridge_options INTERFACE -pie -Wl,-z,relro,-z,now)
if(WABRIDGE_FUZZ)
    target_compile_options(wabridge_options INTERFACE
        -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined)
    target_link_options(wabridge_options INTERFACE -fsanitize=address,undefined)
elseif(WABRIDGE_SANITIZE)
    target_compile_options(wabridge_options INTERFACE
        -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
    target_link_options(wabridge_options INTERFACE -fsanitize=address,undefined)
else()
    target_compile_options(wabridge_options INTERFACE
        $<$<CONFIG:Release,RelWithDebInfo>:-D_FORTIFY_SOURCE=2 -fstack-clash-protection>)
endif()
