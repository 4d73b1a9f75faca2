# Everything voxconv links. Debian packages, except LibTorch: see scripts/setup.
find_package(PkgConfig REQUIRED)
find_package(fmt REQUIRED)
# LibTorch brings the headers of another fmt, which would hide the installed ones where both are seen: by this folder these come first.
get_target_property(fmt_include fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/fmt)
file(CREATE_LINK ${fmt_include}/fmt ${PROJECT_BINARY_DIR}/fmt/fmt SYMBOLIC)
add_library(voxconv_fmt INTERFACE)
target_include_directories(voxconv_fmt SYSTEM INTERFACE $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/fmt>)
target_link_libraries(voxconv_fmt INTERFACE fmt::fmt)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(CURL 7.85 REQUIRED)
pkg_check_modules(sndfile REQUIRED IMPORTED_TARGET sndfile)
pkg_check_modules(samplerate REQUIRED IMPORTED_TARGET samplerate)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(zlib REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(zip REQUIRED IMPORTED_TARGET libzip)
pkg_check_modules(ffmpeg REQUIRED IMPORTED_TARGET libavformat libavcodec libavutil libswresample)

set(VOXCONV_LIBTORCH "$ENV{VOXCONV_LIBTORCH}" CACHE PATH "An unpacked LibTorch (>= 2.9); empty: CMAKE_PREFIX_PATH, then .deps/libtorch")
list(APPEND CMAKE_PREFIX_PATH "${PROJECT_SOURCE_DIR}/.deps/libtorch")
find_package(LibTorch 2.9 REQUIRED)
find_package(Faiss REQUIRED)

# malloc of the programs. glibc's leaves holes between large blocks that come and go: a tenth of the memory of a conversion. The library
# leaves the choice to the program it is in; sanitizers bring their own.
add_library(voxconv_malloc INTERFACE)
if(NOT VOXCONV_SANITIZE)
  pkg_check_modules(jemalloc REQUIRED IMPORTED_TARGET jemalloc)
  target_link_libraries(voxconv_malloc INTERFACE PkgConfig::jemalloc)
endif()
