# The options of the build and the functions by which a folder says what it is.

find_package(GTest QUIET)
find_package(rapidcheck QUIET)
find_package(benchmark QUIET)
set(tests_by_default OFF)
if(GTest_FOUND AND rapidcheck_FOUND)
  set(tests_by_default ON)
endif()
option(DOOZER_BUILD_TESTS "build the tests (needs GoogleTest and RapidCheck)" ${tests_by_default})
option(DOOZER_BUILD_BENCH "build the benchmarks (needs Google Benchmark)" ${benchmark_FOUND})
option(DOOZER_WERROR "treat warnings as errors" OFF)
set(DOOZER_SANITIZE "" CACHE STRING "sanitizers to build with: address,undefined or thread")
option(DOOZER_FUZZ "build the libFuzzer targets (clang only)" OFF)

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
if(DOOZER_BUILD_TESTS)
  find_package(GTest REQUIRED)
  find_package(rapidcheck REQUIRED)
endif()

# Warnings and sanitizers, for every target of ours.
add_library(doozer_flags INTERFACE)
target_compile_options(doozer_flags INTERFACE -Wall -Wextra -Wconversion -Wshadow -Wpedantic)
if(DOOZER_WERROR)
  target_compile_options(doozer_flags INTERFACE -Werror)
endif()
if(DOOZER_SANITIZE)
  target_compile_options(doozer_flags INTERFACE -fsanitize=${DOOZER_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  target_link_options(doozer_flags INTERFACE -fsanitize=${DOOZER_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID MATCHES Clang AND DOOZER_SANITIZE MATCHES undefined)
    # clang 14 reports calls through Asio's handler tables, whose types differ only in noexcept.
    target_compile_options(doozer_flags INTERFACE -fno-sanitize=function)
  endif()
  if(DOOZER_SANITIZE MATCHES thread)
    # ThreadSanitizer does not understand stand-alone fences.
    target_compile_definitions(doozer_flags INTERFACE BOOST_ASIO_DISABLE_FENCED_BLOCK)
    target_compile_options(doozer_flags INTERFACE -Wno-tsan)
  endif()
endif()
if(NOT DOOZER_SANITIZE)
  # A fault in memory must be hard to make use of: canaries in stack frames, checked copies, no fixed
  # addresses, and no table of functions that can be written once the program runs. house.hardening
  # looks at the programs. The sanitizers have means of their own.
  target_compile_options(
    doozer_flags
    INTERFACE -fstack-protector-strong -fPIE
              $<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:-U_FORTIFY_SOURCE>
              $<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:-D_FORTIFY_SOURCE=2>)
  target_link_options(
    doozer_flags INTERFACE -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack
    $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-pie>)
endif()
if(DOOZER_FUZZ)
  target_compile_options(doozer_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# doozer_room(<folder> SOURCES a.cc ... [DEPS doozer::x ...] [TESTS a_test.cc ...] [TEST_DEPS ...]
#             [LONG_TESTS])
#
# One folder of src/: the static library doozer::<folder>, includable as "<folder>/x.h", and the
# unit tests that stand beside its sources as one program <folder>_test. LONG_TESTS: they compute for
# so long that the optimiser is worth its time under a sanitizer, too.
function(doozer_room room)
  cmake_parse_arguments(ARG "LONG_TESTS" "" "SOURCES;DEPS;TESTS;TEST_DEPS" ${ARGN})
  add_library(doozer_${room} STATIC ${ARG_SOURCES})
  add_library(doozer::${room} ALIAS doozer_${room})
  target_include_directories(doozer_${room} PUBLIC ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(doozer_${room} PUBLIC ${ARG_DEPS} PRIVATE doozer_flags)
  if(DOOZER_BUILD_TESTS AND ARG_TESTS)
    doozer_test(${room}_test SOURCES ${ARG_TESTS} DEPS doozer::${room} ${ARG_TEST_DEPS})
    if(DOOZER_SANITIZE AND NOT ARG_LONG_TESTS)
      # The optimiser takes most of the time that a sanitized test takes to build, and GoogleTest's
      # macros are what it spends that time on. The code under test keeps its optimisation.
      target_compile_options(${room}_test
                             PRIVATE -O0 $<$<BOOL:${DOOZER_FUZZ}>:-fno-sanitize=fuzzer-no-link>)
    endif()
  endif()
endfunction()

# doozer_test(<name> SOURCES ... DEPS ... [LABELS ...]): a GoogleTest program, one CTest test.
function(doozer_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} doozer_flags rapidcheck GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "unit;${ARG_LABELS}")
endfunction()
