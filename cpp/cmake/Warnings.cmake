# redisload_warnings(<target>): the warnings of our own code; errors when REDISLOAD_WERROR is on.
function(redisload_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # GCC 12 sees overlapping copies in std::string's operator+ (its bug 105329).
    target_compile_options(${target} PRIVATE -Wno-restrict)
  endif()
  if(REDISLOAD_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()
