# Run by CPack over the tree that becomes the Debian package: what Debian wants otherwise than
# `make install` does.
set(root "${CPACK_TEMPORARY_DIRECTORY}/usr")
set(from "${CPACK_UNDERSTUDY_SOURCE_DIR}")
if(NOT EXISTS "${root}/bin/understudy")
  message(FATAL_ERROR "${root}/bin/understudy is not there: this is not the tree of the package")
endif()

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# Only targets are stripped by CPack itself: of the archive what debuggers need goes too.
run(strip --strip-debug --enable-deterministic-archives "${root}/lib/libunderstudy.a")

# Debian's zsh looks here.
file(MAKE_DIRECTORY "${root}/share/zsh/vendor-completions")
file(RENAME "${root}/share/zsh/site-functions/_understudy" "${root}/share/zsh/vendor-completions/_understudy")
file(REMOVE_RECURSE "${root}/share/zsh/site-functions")

set(doc "${root}/share/doc/understudy")
file(MAKE_DIRECTORY "${doc}/examples")
file(COPY "${from}/packaging/copyright" DESTINATION "${doc}")
file(GLOB examples "${from}/examples/*.c" "${from}/examples/CMakeLists.txt")
file(COPY ${examples} DESTINATION "${doc}/examples")
configure_file("${from}/packaging/changelog.in" "${doc}/changelog.Debian" @ONLY)
configure_file("${from}/CHANGELOG.md" "${doc}/changelog" COPYONLY)
file(GLOB pages "${root}/share/man/man1/*.1")
run(gzip -9n ${pages} "${doc}/changelog" "${doc}/changelog.Debian")

file(MAKE_DIRECTORY "${root}/share/lintian/overrides")
configure_file("${from}/packaging/lintian-overrides" "${root}/share/lintian/overrides/understudy" COPYONLY)
