# LibTorch as an imported target of our own, LibTorch::LibTorch: serves the CPU and the CUDA wheel and any LibTorch from
# 2.9 on. (The wheel's TorchConfig.cmake refuses to configure a CUDA build without a complete CUDA toolkit.)
#
# Looked for in CMAKE_PREFIX_PATH (a LibTorch, or a virtual environment), $VIRTUAL_ENV and .venv in the source tree.
set(_torch_hints)
foreach(prefix ${CMAKE_PREFIX_PATH} $ENV{CMAKE_PREFIX_PATH} $ENV{VIRTUAL_ENV} ${CMAKE_SOURCE_DIR}/.venv)
  file(GLOB _torch_wheels ${prefix}/lib/python3*/site-packages/torch ${prefix}/torch)
  # …/torch/share/cmake is what torch.utils.cmake_prefix_path gives.
  list(APPEND _torch_hints ${_torch_wheels} ${prefix} ${prefix}/../..)
endforeach()
find_path(LibTorch_ROOT_DIR NAMES include/torch/csrc/api/include/torch/torch.h PATHS ${_torch_hints} NO_DEFAULT_PATH)
if(LibTorch_ROOT_DIR)
  set(_torch_version_file ${LibTorch_ROOT_DIR}/include/torch/headeronly/version.h)
  if(NOT EXISTS ${_torch_version_file})
    set(_torch_version_file ${LibTorch_ROOT_DIR}/include/torch/csrc/api/include/torch/version.h)
  endif()
  file(STRINGS ${_torch_version_file} _torch_version REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX REPLACE "[^0-9]*([0-9]+)[^0-9]+([0-9]+)[^0-9]+([0-9]+).*" "\\1.\\2.\\3" LibTorch_VERSION "${_torch_version}")
endif()
foreach(lib torch torch_cpu c10 torch_cuda c10_cuda)
  find_library(LibTorch_${lib}_LIBRARY ${lib} PATHS ${LibTorch_ROOT_DIR}/lib NO_DEFAULT_PATH)
endforeach()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_ROOT_DIR LibTorch_torch_LIBRARY LibTorch_torch_cpu_LIBRARY LibTorch_c10_LIBRARY
  VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE "run launchers/setup, or point CMAKE_PREFIX_PATH at a LibTorch or a virtual environment with torch")
if(LibTorch_FOUND AND LibTorch_VERSION VERSION_LESS 2.9)
  message(FATAL_ERROR "LibTorch ${LibTorch_VERSION} in ${LibTorch_ROOT_DIR} is too old: rankflow needs 2.9 or newer")
endif()

set(LibTorch_CUDA OFF)
if(LibTorch_torch_cuda_LIBRARY)
  set(LibTorch_CUDA ON)
endif()
if(LibTorch_FOUND AND NOT TARGET LibTorch::LibTorch)
  add_library(LibTorch::LibTorch INTERFACE IMPORTED)
  # LibTorch_HEADERS: the same headers elsewhere (launchers/cuda-build).
  set(_torch_headers ${LibTorch_ROOT_DIR}/include)
  if(LibTorch_HEADERS)
    set(_torch_headers ${LibTorch_HEADERS})
  endif()
  target_include_directories(LibTorch::LibTorch SYSTEM INTERFACE
    ${_torch_headers} ${_torch_headers}/torch/csrc/api/include)
  target_link_libraries(LibTorch::LibTorch INTERFACE
    ${LibTorch_torch_LIBRARY} ${LibTorch_torch_cpu_LIBRARY} ${LibTorch_c10_LIBRARY})
  if(LibTorch_CUDA)
    # Without these the linker drops torch_cuda, whose kernels register themselves when it is loaded.
    target_link_libraries(LibTorch::LibTorch INTERFACE
      -Wl,--no-as-needed ${LibTorch_torch_cuda_LIBRARY} ${LibTorch_c10_cuda_LIBRARY} -Wl,--as-needed)
  endif()
  target_link_options(LibTorch::LibTorch INTERFACE -Wl,-rpath,${LibTorch_ROOT_DIR}/lib -Wl,-rpath-link,${LibTorch_ROOT_DIR}/lib)
endif()
