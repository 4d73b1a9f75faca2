# Everything voxconv links. Debian packages, except LibTorch: see scripts/setup.
find_package(PkgConfig REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
pkg_check_modules(sndfile REQUIRED IMPORTED_TARGET sndfile)
pkg_check_modules(samplerate REQUIRED IMPORTED_TARGET samplerate)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(zip REQUIRED IMPORTED_TARGET libzip)
pkg_check_modules(ffmpeg REQUIRED IMPORTED_TARGET libavformat libavcodec libavutil libswresample)

set(VOXCONV_LIBTORCH "$ENV{VOXCONV_LIBTORCH}" CACHE PATH "An unpacked LibTorch (>= 2.9); empty: CMAKE_PREFIX_PATH, then .deps/libtorch")
list(APPEND CMAKE_PREFIX_PATH "${PROJECT_SOURCE_DIR}/.deps/libtorch")
find_package(LibTorch 2.9 REQUIRED)
