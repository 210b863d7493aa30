# What others build against: find_package(rankflow) and rankflow::plugin, for libraries with models of their own.
include(CMakePackageConfigHelpers)

set(_package lib/cmake/rankflow)
foreach(folder base collectives io runtime steps)
  install(DIRECTORY ${folder} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/rankflow FILES_MATCHING PATTERN "*.h")
endforeach()
configure_file(cmake/rankflowConfig.cmake.in rankflowConfig.cmake @ONLY)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/rankflowConfigVersion.cmake COMPATIBILITY ExactVersion)
install(FILES ${CMAKE_BINARY_DIR}/rankflowConfig.cmake ${CMAKE_BINARY_DIR}/rankflowConfigVersion.cmake
  cmake/FindLibTorch.cmake DESTINATION ${_package})
