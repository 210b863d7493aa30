// The one World of a test program that runs on several ranks; mpi_main.cpp makes and ends it.
#pragma once

#include "collectives/mpi_world.h"

namespace rankflow {

World& test_world();

}  // namespace rankflow
