# Warnings, sanitizers and ccache, in one interface target that every voxconv target links privately.
add_library(voxconv_compiler INTERFACE)
target_compile_options(voxconv_compiler INTERFACE -Wall -Wextra $<$<CXX_COMPILER_ID:GNU>:-Wshadow=local> -Wnon-virtual-dtor -Wno-missing-field-initializers)
if(VOXCONV_WARNINGS_AS_ERRORS)
  target_compile_options(voxconv_compiler INTERFACE -Werror)
endif()
if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC takes a source that another one includes for a header, whose types must not have members of unnamed namespaces.
  target_compile_options(voxconv_compiler INTERFACE -Wno-subobject-linkage)
endif()
if(VOXCONV_SANITIZE)
  target_compile_options(voxconv_compiler INTERFACE -fsanitize=${VOXCONV_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(voxconv_compiler INTERFACE -fsanitize=${VOXCONV_SANITIZE})
endif()
if(VOXCONV_BUILD_FUZZERS)
  target_compile_options(voxconv_compiler INTERFACE -fsanitize=fuzzer-no-link)
endif()

if(VOXCONV_USE_CCACHE)
  find_program(VOXCONV_CCACHE ccache)
  if(VOXCONV_CCACHE)
    # The torch headers are precompiled; ccache needs to be told that this is fine.
    set(CMAKE_CXX_COMPILER_LAUNCHER
        ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${VOXCONV_CCACHE})
  endif()
endif()
