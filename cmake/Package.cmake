# `make package`: a Debian package of what Install.cmake installs, by CPack. packaging/ has what only a
# package has; packaging/check-deb.sh tries it in a clean Debian.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME understudy)
set(CPACK_PACKAGE_VENDOR "Understudy's authors")
set(CPACK_PACKAGE_CONTACT "Understudy's authors <maintainers@understudy.example.org>")
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "imitation learning on MuJoCo tasks, a command and a C library")
file(READ packaging/description.txt CPACK_DEBIAN_PACKAGE_DESCRIPTION)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_CMAKE_PROJECTS "${CMAKE_BINARY_DIR};understudy;ALL;/")
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${UDY_DEPS_DIR}/mujoco/lib")
# The loader's cache is dpkg's to refresh, at a trigger; shlibs is for packages that link the library.
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA "${CMAKE_SOURCE_DIR}/packaging/triggers"
  "${CMAKE_SOURCE_DIR}/packaging/shlibs")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS
  "gnuplot-nox | gnuplot, fonts-dejavu-core, libegl1, libgl1-mesa-dri, ca-certificates")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "gcc, pkg-config, libdnnl-dev, libcjson-dev, libyaml-dev,\
 libprotobuf-c-dev, libzip-dev, libcurl4-openssl-dev, libssl-dev, libhdf5-dev, libavformat-dev,\
 libswscale-dev")
set(CPACK_PRE_BUILD_SCRIPTS "${CMAKE_SOURCE_DIR}/cmake/DebianFiles.cmake")
set(CPACK_UNDERSTUDY_SOURCE_DIR "${CMAKE_SOURCE_DIR}")
include(CPack)
