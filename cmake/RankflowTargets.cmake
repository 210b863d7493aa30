# One way to declare our libraries and programs: warnings are errors here, and silent in others' headers.

add_library(rankflow_options INTERFACE)
target_include_directories(rankflow_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(rankflow_options INTERFACE RANKFLOW_VERSION="${PROJECT_VERSION}")
target_compile_options(rankflow_options INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wno-missing-field-initializers
  # GCC 12 warns of overlapping copies where strings are joined with + (its bug 105651, fixed in 13).
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>
  # Assertions and messages show places relative to the source tree, and builds in other folders share ccache entries.
  -fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=
  # ccache needs it to know what a precompiled header stands for.
  $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
if(RANKFLOW_SANITIZE)
  target_compile_options(rankflow_options INTERFACE -fsanitize=${RANKFLOW_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(rankflow_options INTERFACE -fsanitize=${RANKFLOW_SANITIZE})
endif()

# rankflow_library(NAME SOURCES a.cpp … USES target …)
function(rankflow_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC rankflow_options ${ARG_USES})
endfunction()
