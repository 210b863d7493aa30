# The CUDA runtime and NCCL as one imported target, CudaNccl::CudaNccl: headers and libraries, no CUDA compiler.
#
# Each is looked for in $CUDAToolkit_ROOT (a toolkit, or the folder nvidia/cu13 of wheels), then as wheels
# (site-packages/nvidia/{cu13,nccl}) in CMAKE_PREFIX_PATH, $VIRTUAL_ENV, .venv-cuda and .venv, then where toolkits and
# system packages are installed. NCCL 2.18 is the first with ncclCommSplit.
set(_cuda_hints ${CUDAToolkit_ROOT} $ENV{CUDAToolkit_ROOT})
set(_nccl_hints ${_cuda_hints})
foreach(prefix ${CMAKE_PREFIX_PATH} $ENV{CMAKE_PREFIX_PATH} $ENV{VIRTUAL_ENV} ${CMAKE_SOURCE_DIR}/.venv-cuda ${CMAKE_SOURCE_DIR}/.venv)
  file(GLOB _cuda_wheels ${prefix}/lib/python3*/site-packages/nvidia/cu13)
  file(GLOB _nccl_wheels ${prefix}/lib/python3*/site-packages/nvidia/nccl)
  list(APPEND _cuda_hints ${_cuda_wheels} ${prefix})
  list(APPEND _nccl_hints ${_nccl_wheels} ${prefix})
endforeach()
# cuda_runtime.h alone is no sign of a whole set of headers: wheels have those of crt/ apart.
set(_cuda_installed $ENV{CUDA_HOME} /usr/local/cuda /usr/local /usr)
find_path(CudaNccl_CUDA_ROOT NAMES include/crt/host_config.h PATHS ${_cuda_hints} ${_cuda_installed} NO_DEFAULT_PATH)
find_path(CudaNccl_NCCL_ROOT NAMES include/nccl.h PATHS ${_nccl_hints} ${_cuda_installed} NO_DEFAULT_PATH)

# Wheels have libcudart.so.13 and libnccl.so.2 without the plain name that linkers look for.
foreach(lib CUDA:cudart NCCL:nccl)
  string(REGEX MATCH "^(.*):(.*)$" _ ${lib})
  set(root ${CudaNccl_${CMAKE_MATCH_1}_ROOT})
  file(GLOB _found ${root}/lib64/lib${CMAKE_MATCH_2}.so* ${root}/lib/lib${CMAKE_MATCH_2}.so* ${root}/lib/*-linux-gnu/lib${CMAKE_MATCH_2}.so*)
  if(_found)
    list(GET _found 0 CudaNccl_${CMAKE_MATCH_2}_LIBRARY)
  endif()
endforeach()

if(CudaNccl_NCCL_ROOT)
  file(STRINGS ${CudaNccl_NCCL_ROOT}/include/nccl.h _nccl_version REGEX "define NCCL_(MAJOR|MINOR|PATCH) ")
  string(REGEX REPLACE "[^0-9]*([0-9]+)[^0-9]+([0-9]+)[^0-9]+([0-9]+).*" "\\1.\\2.\\3" CudaNccl_VERSION "${_nccl_version}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CudaNccl
  REQUIRED_VARS CudaNccl_CUDA_ROOT CudaNccl_cudart_LIBRARY CudaNccl_NCCL_ROOT CudaNccl_nccl_LIBRARY
  VERSION_VAR CudaNccl_VERSION
  REASON_FAILURE_MESSAGE "run launchers/cuda-build, or point CUDAToolkit_ROOT at a CUDA toolkit and CMAKE_PREFIX_PATH at a virtual environment with nvidia-nccl-cu13")

if(CudaNccl_FOUND AND NOT TARGET CudaNccl::CudaNccl)
  add_library(CudaNccl::CudaNccl INTERFACE IMPORTED)
  target_include_directories(CudaNccl::CudaNccl SYSTEM INTERFACE ${CudaNccl_NCCL_ROOT}/include ${CudaNccl_CUDA_ROOT}/include)
  # cuda_fp16.h includes <nv/target>, which toolkits have where only nvcc looks.
  if(EXISTS ${CudaNccl_CUDA_ROOT}/include/cccl)
    target_include_directories(CudaNccl::CudaNccl SYSTEM INTERFACE ${CudaNccl_CUDA_ROOT}/include/cccl)
  endif()
  target_link_libraries(CudaNccl::CudaNccl INTERFACE ${CudaNccl_nccl_LIBRARY} ${CudaNccl_cudart_LIBRARY})
  foreach(lib ${CudaNccl_nccl_LIBRARY} ${CudaNccl_cudart_LIBRARY})
    get_filename_component(_folder ${lib} DIRECTORY)
    target_link_options(CudaNccl::CudaNccl INTERFACE -Wl,-rpath,${_folder} -Wl,-rpath-link,${_folder})
  endforeach()
endif()
