# Applies REDISLOAD_SANITIZE to everything built here, hiredis too: a sanitizer that sees only half
# of the memory accesses reports too little.
if(REDISLOAD_SANITIZE)
  add_compile_options(-fsanitize=${REDISLOAD_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${REDISLOAD_SANITIZE})
  if(REDISLOAD_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC says that it does not model std::atomic_thread_fence; see tests/cpp/tsan.supp.
    add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wno-tsan>)
  endif()
endif()
