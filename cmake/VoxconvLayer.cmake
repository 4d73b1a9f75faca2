# The layers of libvoxconv/src, in order of dependency.
set(VOXCONV_LAYERS core audio nn features models convert train eval)

# voxconv_layer(NAME core SOURCES a.cc b.cc [TORCH] [LIBRARIES ...] [DEPENDS lower layers]): one layer as an object library.
# Layers with TORCH see LibTorch and share one precompiled header (a translation unit costs about 20 s without it).
# fmt is header-only here: LibTorch brings its own fmt headers, which hide the installed ones in the layers that see it.
set(VOXCONV_CORE_LIBRARIES fmt::fmt-header-only nlohmann_json::nlohmann_json PkgConfig::sodium CURL::libcurl)
set(VOXCONV_AUDIO_LIBRARIES PkgConfig::sndfile PkgConfig::samplerate PkgConfig::ffmpeg)
set(VOXCONV_NN_LIBRARIES PkgConfig::zlib)
set(VOXCONV_MODELS_LIBRARIES PkgConfig::zip)
set(VOXCONV_TORCH_LIBRARIES LibTorch::LibTorch Faiss::Faiss)

function(voxconv_layer)
  cmake_parse_arguments(arg "TORCH" "NAME" "SOURCES;LIBRARIES;DEPENDS" ${ARGN})
  set(target voxconv_${arg_NAME})
  add_library(${target} OBJECT ${arg_SOURCES})
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/libvoxconv/include ${PROJECT_SOURCE_DIR}/libvoxconv/src)
  target_link_libraries(${target} PRIVATE voxconv_compiler PUBLIC ${VOXCONV_CORE_LIBRARIES} ${arg_LIBRARIES})
  if(arg_TORCH)
    target_link_libraries(${target} PUBLIC ${VOXCONV_TORCH_LIBRARIES})
    if(arg_NAME STREQUAL nn)
      target_precompile_headers(${target} PRIVATE ${PROJECT_SOURCE_DIR}/libvoxconv/src/nn/torch.h)
    else()
      target_precompile_headers(${target} REUSE_FROM voxconv_nn)
    endif()
  endif()
endfunction()

# voxconv_link_layers(target core audio ...): links a program with the named layers and all that come before the last of them.
function(voxconv_link_layers target)
  set(layers "")
  set(linked "")
  foreach(layer ${VOXCONV_LAYERS})
    list(APPEND layers ${layer})
    if(layer IN_LIST ARGN)
      set(linked ${layers})
    endif()
  endforeach()
  foreach(layer ${linked})
    target_link_libraries(${target} PRIVATE voxconv_${layer})
  endforeach()
  if("nn" IN_LIST linked)
    target_precompile_headers(${target} REUSE_FROM voxconv_nn)
    # The precompiled header was made with -fPIC; an executable would ask for -fPIE.
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
  endif()
endfunction()
