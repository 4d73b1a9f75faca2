# LibTorch's C++ API as one imported target, LibTorch::LibTorch, plus LibTorch_LIBRARY_DIR and LibTorch_HAS_CUDA.
#
# LibTorch's own TorchConfig.cmake asks for a whole CUDA toolkit when LibTorch was built for CUDA. voxconv compiles nothing for CUDA itself,
# so headers and libraries are all it needs, and one binary package serves CPUs and GPUs.
set(_LibTorch_where "")
if(VOXCONV_LIBTORCH)
  set(_LibTorch_where PATHS ${VOXCONV_LIBTORCH} NO_DEFAULT_PATH)
endif()
# Looked for each time: the folder may be another than last time.
find_path(LibTorch_INCLUDE_DIR torch/csrc/api/include/torch/torch.h ${_LibTorch_where} PATH_SUFFIXES include NO_CACHE)
get_filename_component(_LibTorch_root "${LibTorch_INCLUDE_DIR}" DIRECTORY)
foreach(library torch torch_cpu c10)
  find_library(LibTorch_${library}_LIBRARY ${library} HINTS ${_LibTorch_root}/lib NO_DEFAULT_PATH NO_CACHE)
endforeach()

set(LibTorch_VERSION "")
foreach(header csrc/api/include/torch/version.h headeronly/version.h) # the second one exists from 2.10 on
  if(EXISTS "${LibTorch_INCLUDE_DIR}/torch/${header}")
    file(STRINGS "${LibTorch_INCLUDE_DIR}/torch/${header}" _LibTorch_lines REGEX "#define TORCH_VERSION_(MAJOR|MINOR|PATCH) [0-9]+$")
    if(_LibTorch_lines)
      string(REGEX REPLACE "#define TORCH_VERSION_[A-Z]+ " "" LibTorch_VERSION "${_LibTorch_lines}")
      string(REPLACE ";" "." LibTorch_VERSION "${LibTorch_VERSION}")
    endif()
  endif()
endforeach()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  LibTorch
  REQUIRED_VARS LibTorch_torch_LIBRARY LibTorch_torch_cpu_LIBRARY LibTorch_c10_LIBRARY LibTorch_INCLUDE_DIR
  VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE "Run scripts/setup, or name an unpacked LibTorch: -DVOXCONV_LIBTORCH=DIR")

if(LibTorch_FOUND AND NOT TARGET LibTorch::LibTorch)
  get_filename_component(LibTorch_LIBRARY_DIR "${LibTorch_torch_LIBRARY}" DIRECTORY)
  set(LibTorch_HAS_CUDA OFF)
  if(EXISTS "${LibTorch_LIBRARY_DIR}/libtorch_cuda.so")
    set(LibTorch_HAS_CUDA ON)
  endif()
  add_library(LibTorch::LibTorch INTERFACE IMPORTED)
  target_include_directories(
    LibTorch::LibTorch SYSTEM INTERFACE ${LibTorch_INCLUDE_DIR} ${LibTorch_INCLUDE_DIR}/torch/csrc/api/include)
  # What LibTorch's Linux builds themselves were compiled with, and its headers ask for.
  target_compile_definitions(LibTorch::LibTorch INTERFACE USE_C10D_GLOO USE_DISTRIBUTED USE_RPC USE_TENSORPIPE)
  # Nothing refers to libtorch.so's own symbols, but loading it is what registers the CUDA kernels. What it loads itself is found by its
  # own run path and not needed for linking.
  target_link_libraries(
    LibTorch::LibTorch INTERFACE -Wl,--push-state,--no-as-needed,${LibTorch_torch_LIBRARY},--pop-state,--allow-shlib-undefined
                                 ${LibTorch_torch_cpu_LIBRARY} ${LibTorch_c10_LIBRARY})
endif()
