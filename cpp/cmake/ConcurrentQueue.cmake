# Resolves moodycamel's concurrentqueue (header only) and defines redisload::concurrentqueue,
# included as <concurrentqueue/concurrentqueue.h>: the system's (Debian's libconcurrentqueue-dev has
# no CMake package), else the hash-pinned release archive.
include(FetchContent)
find_path(REDISLOAD_CONCURRENTQUEUE_INCLUDE concurrentqueue/concurrentqueue.h
          DOC "Directory that holds concurrentqueue/concurrentqueue.h")
set(_queue_include "${REDISLOAD_CONCURRENTQUEUE_INCLUDE}")
if(NOT _queue_include)
  # Unpacked into a folder named concurrentqueue, so that the include form is the same.
  FetchContent_Declare(concurrentqueue
    URL https://github.com/cameron314/concurrentqueue/archive/refs/tags/v1.0.4.tar.gz
    URL_HASH SHA256=87fbc9884d60d0d4bf3462c18f4c0ee0a9311d0519341cac7cbd361c885e5281
    SOURCE_DIR "${CMAKE_BINARY_DIR}/_deps/concurrentqueue-src/concurrentqueue"
    SOURCE_SUBDIR none-of-its-cmake)
  FetchContent_MakeAvailable(concurrentqueue)
  cmake_path(GET concurrentqueue_SOURCE_DIR PARENT_PATH _queue_include)
endif()
message(STATUS "concurrentqueue: ${_queue_include}")
add_library(redisload_concurrentqueue INTERFACE)
target_include_directories(redisload_concurrentqueue SYSTEM INTERFACE "${_queue_include}")
add_library(redisload::concurrentqueue ALIAS redisload_concurrentqueue)
