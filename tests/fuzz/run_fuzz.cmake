# Runs a fuzz target for a bounded time from a fresh copy of its corpus; what it finds stays in
# SCRATCH. libFuzzer prints the seed; -seed=N repeats a run.
file(REMOVE_RECURSE ${SCRATCH})
file(MAKE_DIRECTORY ${SCRATCH})
file(COPY ${CORPUS}/ DESTINATION ${SCRATCH})
execute_process(
  COMMAND ${PROGRAM} -max_total_time=5 -runs=200000 -timeout=10 -rss_limit_mb=2048 -max_len=4096
          -artifact_prefix=${SCRATCH}/ -print_final_stats=1 ${SCRATCH}
  RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} failed: ${result}; the input that did it is in ${SCRATCH}")
endif()
