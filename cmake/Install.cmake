# What `cmake --install` and CPack put where: program, libraries, headers, the packages by which other
# builds find them, data, manual, completion. All of it finds the rest relative to itself, so a prefix
# can be moved.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

#------------------------------------------ Libraries ---------------------------------------------

# One library of all rooms, from the objects that the rooms' own archives hold (they are
# position-independent already). What the rooms link is found by asking them.
set(rooms base io nn sim learn study show)
set(objects)
set(others)
foreach(room ${rooms})
  list(APPEND objects $<TARGET_OBJECTS:udy_${room}>)
  get_target_property(links udy_${room} LINK_LIBRARIES)
  list(FILTER links EXCLUDE REGEX "^udy_")
  list(APPEND others ${links})
endforeach()
list(REMOVE_DUPLICATES others)

add_library(understudy_shared SHARED ${objects})
set_target_properties(understudy_shared PROPERTIES OUTPUT_NAME understudy LINKER_LANGUAGE C
  VERSION ${PROJECT_VERSION} SOVERSION 0 INSTALL_RPATH "$ORIGIN/understudy")
target_link_libraries(understudy_shared PRIVATE ${others})
if(NOT UDY_SANITIZE)  # the sanitizers' own symbols are the program's
  target_link_options(understudy_shared PRIVATE -Wl,-z,defs)
endif()

add_library(understudy_static STATIC ${objects})
set_target_properties(understudy_static PROPERTIES OUTPUT_NAME understudy LINKER_LANGUAGE C)

# MuJoCo's library stays private: another MuJoCo may be installed.
set(private_dir "${CMAKE_INSTALL_LIBDIR}/understudy")
file(RELATIVE_PATH bin_to_private "/${CMAKE_INSTALL_BINDIR}" "/${private_dir}")
set_target_properties(understudy PROPERTIES INSTALL_RPATH "$ORIGIN/${bin_to_private}")

get_target_property(mujoco_file mujoco IMPORTED_LOCATION)
get_filename_component(mujoco_name "${mujoco_file}" NAME)  # also its soname
install(TARGETS understudy understudy_shared understudy_static)
install(FILES "${mujoco_file}" DESTINATION "${private_dir}")
file(GLOB headers CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/include/understudy/*.h")
install(FILES ${headers} DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/understudy")

#------------------------------------------ For other builds --------------------------------------

# What a program needs behind the static library, as options of a linker and as CMake has them.
set(private_flags)
set(private_names)
set(private_dirs)
foreach(other ${others})
  if(other MATCHES "^PkgConfig::(.+)$")
    list(APPEND private_flags ${${CMAKE_MATCH_1}_LDFLAGS})
    list(APPEND private_names ${${CMAKE_MATCH_1}_LIBRARIES})
    list(APPEND private_dirs ${${CMAKE_MATCH_1}_LIBRARY_DIRS})
  elseif(other STREQUAL "Threads::Threads")
    list(APPEND private_names pthread)
    list(APPEND private_flags -lpthread)
  elseif(IS_ABSOLUTE "${other}")  # found by find_library; libgomp's short name is gcc's own folder's
    get_filename_component(name "${other}" NAME)
    if(name MATCHES "^lib(.+)\\.so$" AND NOT name STREQUAL libgomp.so)
      list(APPEND private_names ${CMAKE_MATCH_1})
      list(APPEND private_flags -l${CMAKE_MATCH_1})
    else()
      list(APPEND private_names -l:libgomp.so.1)
      list(APPEND private_flags -l:libgomp.so.1)
    endif()
  elseif(NOT other STREQUAL mujoco)
    list(APPEND private_names ${other})
    list(APPEND private_flags -l${other})
  endif()
endforeach()
# Folders that every linker looks into need no saying, and HDF5 has a name in one of them on Debian.
find_library(HDF5_SERIAL_LIBRARY hdf5_serial)
foreach(dir ${private_dirs})
  if("${dir}" IN_LIST CMAKE_C_IMPLICIT_LINK_DIRECTORIES OR (HDF5_SERIAL_LIBRARY AND dir MATCHES "/hdf5/"))
    list(REMOVE_ITEM private_dirs "${dir}")
    list(REMOVE_ITEM private_flags "-L${dir}")
  endif()
endforeach()
if(HDF5_SERIAL_LIBRARY)
  list(TRANSFORM private_flags REPLACE "^-lhdf5$" -lhdf5_serial)
  list(TRANSFORM private_names REPLACE "^hdf5$" hdf5_serial)
endif()
list(REMOVE_DUPLICATES private_flags)
list(REMOVE_DUPLICATES private_names)
list(REMOVE_DUPLICATES private_dirs)
list(JOIN private_flags " " private_flags)

set(pc_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
file(RELATIVE_PATH pc_to_prefix "/${pc_dir}" "/")
string(REGEX REPLACE "/$" "" pc_to_prefix "${pc_to_prefix}")
foreach(kind understudy understudy-static)
  configure_file("${CMAKE_SOURCE_DIR}/cmake/${kind}.pc.in" "${CMAKE_BINARY_DIR}/${kind}.pc" @ONLY)
  install(FILES "${CMAKE_BINARY_DIR}/${kind}.pc" DESTINATION "${pc_dir}")
endforeach()

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/understudy")
configure_package_config_file("${CMAKE_SOURCE_DIR}/cmake/understudyConfig.cmake.in"
  "${CMAKE_BINARY_DIR}/understudyConfig.cmake" INSTALL_DESTINATION "${package_dir}"
  PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file("${CMAKE_BINARY_DIR}/understudyConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)  # before 1.0 a minor version may change what there is
install(FILES "${CMAKE_BINARY_DIR}/understudyConfig.cmake"
  "${CMAKE_BINARY_DIR}/understudyConfigVersion.cmake" DESTINATION "${package_dir}")

#------------------------------------------ Data --------------------------------------------------

set(share_dir share/understudy)  # where the program looks, beside its own folder
foreach(part experts presets)
  install(DIRECTORY "${CMAKE_SOURCE_DIR}/${part}" DESTINATION ${share_dir})
endforeach()
install(DIRECTORY "${CMAKE_BINARY_DIR}/share/understudy/report" DESTINATION ${share_dir})
# Gymnasium's model files go nowhere without their licence.
install(DIRECTORY "${UDY_DEPS_DIR}/models" DESTINATION ${share_dir}
  FILES_MATCHING PATTERN "*.xml" PATTERN LICENSE)
install(FILES "${CMAKE_SOURCE_DIR}/LICENSE" "${CMAKE_SOURCE_DIR}/THIRD_PARTY.md"
  DESTINATION ${share_dir}/licenses)
install(FILES "${UDY_DEPS_DIR}/mujoco/LICENSE" DESTINATION ${share_dir}/licenses RENAME MuJoCo-LICENSE)
install(FILES "${UDY_DEPS_DIR}/mujoco/LICENSES_THIRD_PARTY.md" DESTINATION ${share_dir}/licenses
  RENAME MuJoCo-LICENSES_THIRD_PARTY.md)
if(EXISTS "${UDY_DEPS_DIR}/web/node_modules/three/LICENSE")
  install(FILES "${UDY_DEPS_DIR}/web/node_modules/three/LICENSE" DESTINATION ${share_dir}/licenses
    RENAME three-LICENSE)
endif()

#------------------------------------------ Manual, completion ------------------------------------

# The program writes its manual from the tables that --help is printed from.
set(man_dir "${CMAKE_BINARY_DIR}/man")
add_custom_command(OUTPUT "${man_dir}/understudy.1" DEPENDS understudy
  COMMAND ${CMAKE_COMMAND} -E rm -rf "${man_dir}"
  COMMAND ${CMAKE_COMMAND} -E make_directory "${man_dir}"
  COMMAND understudy __manual "${man_dir}" VERBATIM)
add_custom_target(manual ALL DEPENDS "${man_dir}/understudy.1")
install(DIRECTORY "${man_dir}/" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")

install(FILES "${CMAKE_SOURCE_DIR}/completions/understudy.bash"
  DESTINATION share/bash-completion/completions RENAME understudy)
install(FILES "${CMAKE_SOURCE_DIR}/completions/_understudy" DESTINATION share/zsh/site-functions)
install(FILES "${CMAKE_SOURCE_DIR}/completions/understudy.fish"
  DESTINATION share/fish/vendor_completions.d)

# What an installation needs; the program alone is `make`.
add_custom_target(installable DEPENDS understudy understudy_shared understudy_static report_page manual)
