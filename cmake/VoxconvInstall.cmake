# cmake --install: the library, the command line, the models, LibTorch's libraries and find_package(voxconv). Every path inside is relative,
# so the tree can be moved. The Debian libraries (FFmpeg, libsndfile ...) stay the system's.
include(CMakePackageConfigHelpers)

set(VOXCONV_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/voxconv)
# LibTorch for CUDA finds NVIDIA's libraries at ../../nvidia from its own folder.
set(VOXCONV_TORCH_DIR ${CMAKE_INSTALL_LIBDIR}/voxconv/libtorch)
file(RELATIVE_PATH VOXCONV_BIN_TO_LIB ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})

if(VOXCONV_INSTALL_LIBTORCH)
  set_target_properties(voxconv PROPERTIES INSTALL_RPATH "$ORIGIN/voxconv/libtorch/lib")
  install(DIRECTORY ${LibTorch_LIBRARY_DIR}/ DESTINATION ${VOXCONV_TORCH_DIR}/lib FILES_MATCHING PATTERN "*.so*" PATTERN "libshm*" EXCLUDE)
  foreach(beside licenses LICENSE NOTICE)
    install(CODE "set(VOXCONV_FROM \"${LibTorch_LIBRARY_DIR}/../${beside}\")
      if(EXISTS \"\${VOXCONV_FROM}\")
        file(INSTALL \"\${VOXCONV_FROM}\" DESTINATION \"\${CMAKE_INSTALL_PREFIX}/${VOXCONV_TORCH_DIR}\")
      endif()")
  endforeach()
  if(LibTorch_HAS_CUDA AND EXISTS "${LibTorch_LIBRARY_DIR}/../../nvidia")
    install(DIRECTORY ${LibTorch_LIBRARY_DIR}/../../nvidia DESTINATION ${CMAKE_INSTALL_LIBDIR}/voxconv)
  endif()
else()
  set_target_properties(voxconv PROPERTIES INSTALL_RPATH "${LibTorch_LIBRARY_DIR}")
endif()

install(TARGETS voxconv EXPORT voxconv LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY libvoxconv/include/voxconv DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT voxconv NAMESPACE voxconv:: DESTINATION ${VOXCONV_CMAKE_DIR} FILE voxconvConfig.cmake)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/voxconvConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/voxconvConfigVersion.cmake DESTINATION ${VOXCONV_CMAKE_DIR})

foreach(program voxconv_cli webwrap webwrap_picture)
  if(TARGET ${program})
    set_target_properties(${program} PROPERTIES INSTALL_RPATH "$ORIGIN/${VOXCONV_BIN_TO_LIB}")
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endforeach()
install(DIRECTORY models/ DESTINATION ${CMAKE_INSTALL_DATADIR}/voxconv/models)
install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
