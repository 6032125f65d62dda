# `cmake --install`, and the .deb by `cpack -G DEB` (scripts/package/build does both).
include(GNUInstallDirs)
set(PACKAGE ${CMAKE_SOURCE_DIR}/scripts/package)
set(WABRIDGE_WA_JS ${CMAKE_SOURCE_DIR}/node_modules/@wppconnect/wa-js/dist/wppconnect-wa.js)

foreach(page "wabridge.1:help" "wabridge.conf.5:config")
    string(REPLACE ":" ";" page ${page})
    list(GET page 0 file)
    list(GET page 1 command)
    add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/${file}.gz
        COMMAND $<TARGET_FILE:wabridge> ${command} man > ${CMAKE_BINARY_DIR}/${file}
        COMMAND gzip -9nf ${CMAKE_BINARY_DIR}/${file}
        DEPENDS wabridge VERBATIM)
    list(APPEND PAGES ${CMAKE_BINARY_DIR}/${file}.gz)
endforeach()
add_custom_target(man ALL DEPENDS ${PAGES})

install(TARGETS wabridge RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${WABRIDGE_WA_JS} DESTINATION share/wabridge)
install(FILES ${CMAKE_BINARY_DIR}/wabridge.1.gz DESTINATION share/man/man1)
install(FILES ${CMAKE_BINARY_DIR}/wabridge.conf.5.gz DESTINATION share/man/man5)
install(FILES ${PACKAGE}/completion.bash DESTINATION share/bash-completion/completions RENAME wabridge)
install(FILES ${PACKAGE}/wabridge.service ${PACKAGE}/wabridge.socket DESTINATION lib/systemd/system)
install(FILES ${PACKAGE}/wabridge.conf DESTINATION /etc/wabridge)
install(FILES ${PACKAGE}/copyright DESTINATION share/doc/wabridge)
install(FILES ${PACKAGE}/nginx.conf ${PACKAGE}/Caddyfile DESTINATION share/doc/wabridge/examples)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME wabridge)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "The wabridge maintainers <maintainers@wabridge.invalid>")
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "WhatsApp Web sessions behind a local HTTP API
 One daemon that runs unofficial WhatsApp Web sessions in headless Chromium and
 gives your own software a local HTTP API to them: durable sends, webhooks that
 are signed, in order and retried, files, groups, search.")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "chromium-headless-shell | chromium, libwebsockets-evlib-uv, tzdata, adduser")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${PACKAGE}/conffiles ${PACKAGE}/postinst ${PACKAGE}/prerm ${PACKAGE}/postrm)
include(CPack)
