// doozerd: one process of a cluster.
#include "server/program.h"

int main(int argc, char** argv) {
    return doozer::server::run_program(argc, argv, {});
}
