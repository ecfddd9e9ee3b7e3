# The library of the Python package (python/, scripts/make-wheel.sh): flat functions over the rooms up to
# study, and of these only what they reach: no video, no hub, no HDF5. What ctypes calls is all that it
# exports.
if(UDY_SANITIZE)
  return()  # Python's own program lacks the sanitizers
endif()
file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/python/native/*.c")
add_library(understudy_python MODULE ${sources})
set_target_properties(understudy_python PROPERTIES PREFIX "" OUTPUT_NAME _understudy)
target_link_libraries(understudy_python PRIVATE udy_study)
target_link_options(understudy_python PRIVATE
  -Wl,--exclude-libs,ALL -Wl,--gc-sections -Wl,--as-needed -Wl,-z,defs)
